const PREFIX = "BATUTA_";

/**
 * The name that somebody who typed `unknown` most likely meant: few letters differ, or the same words
 * with some left out (BATUTA_PORT is near BATUTA_HTTP_PORT). Undefined only for an empty list.
 */
export function nearestName(unknown: string, names: readonly string[]): string | undefined {
  let best: { name: string; cost: number } | undefined;
  for (const name of names) {
    const cost = Math.min(editDistance(unknown, name), wordDistance(unknown, name));
    if (best === undefined || cost < best.cost) best = { name, cost };
  }
  return best?.name;
}

/** Each word of `from` costs its way to the nearest word of `to`; each word that `to` has more costs 1. */
function wordDistance(from: string, to: string): number {
  const given = wordsOf(from);
  const wanted = wordsOf(to);
  const misspelt = given.map((word) =>
    Math.min(...wanted.map((other) => editDistance(word, other))),
  );
  return sum(misspelt) + Math.abs(wanted.length - given.length);
}

function wordsOf(name: string): string[] {
  return (name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name).split("_");
}

/** How many letters must be added, removed or replaced (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
