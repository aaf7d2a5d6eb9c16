const SLOTS = 256;
const instants = new Float64Array(SLOTS).fill(Number.NaN);
const texts = new Array<string>(SLOTS).fill("");

/**
 * Epoch milliseconds as ISO 8601 UTC, as the contract writes instants. The last texts are kept:
 * on the hot paths the same few milliseconds are written thousands of times, and `toISOString`
 * is a fifth of what a result costs.
 */
export function isoOf(epochMs: number): string {
  const slot = epochMs & (SLOTS - 1);
  if (instants[slot] === epochMs) return texts[slot] as string;
  const text = new Date(epochMs).toISOString();
  instants[slot] = epochMs;
  texts[slot] = text;
  return text;
}
