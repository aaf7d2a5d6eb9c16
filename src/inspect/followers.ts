import type { Followed } from "../messages/followed.ts";

interface Follower {
  readonly followed: ReadonlySet<string> | "all";
  /** Epoch ms. */
  readonly until: number;
}

/** Who watches the actors of a process, until when, and which of them they follow. */
export class Followers {
  readonly #followers = new Map<string, Follower>();

  /** Gives back the addresses that nobody followed before, unless it is all of them. */
  note(watcher: string, followed: Followed, until: number, now: number): readonly string[] {
    for (const [each, follower] of this.#followers)
      if (follower.until <= now) this.#followers.delete(each);
    const isFresh = (address: string) => this.follow(address) === undefined;
    const fresh = followed === "all" ? [] : followed.filter(isFresh);
    this.#followers.set(watcher, {
      followed: followed === "all" ? "all" : new Set(followed),
      until,
    });
    return fresh;
  }

  /** Whether anybody follows the actor, by its name or as all. One whose time is over counts until the next one asks. */
  follow(address: string): "named" | "all" | undefined {
    let isFollowed = false;
    for (const { followed } of this.#followers.values())
      if (followed === "all") isFollowed = true;
      else if (followed.has(address)) return "named";
    return isFollowed ? "all" : undefined;
  }

  clear(): void {
    this.#followers.clear();
  }
}
