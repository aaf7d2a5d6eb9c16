/**
 * Which actors a watcher is told of in full with each event, by their addresses on any node. Of all others
 * it is told what they handled and their state, and in full when that is another one, or they begin or end.
 */
export type Followed = "all" | readonly string[];

/** So many are named in a request; who follows more follows all. */
const MAX_NAMED = 500;

/** What has to be told so that each gets what it follows. */
export function unionOf(each: Iterable<Followed>): Followed {
  const union = new Set<string>();
  for (const followed of each) {
    if (followed === "all") return "all";
    for (const address of followed) union.add(address);
  }
  return union.size > MAX_NAMED ? "all" : [...union].sort();
}

export function isSameFollowed(one: Followed, other: Followed): boolean {
  if (one === "all" || other === "all") return one === other;
  return one.length === other.length && one.every((address, i) => address === other[i]);
}
