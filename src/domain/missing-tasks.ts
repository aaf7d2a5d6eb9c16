/** More tasks than this that vanished in the hands of one worker within the time: it swallows them. */
const MISSING = { bearable: 10, withinMs: 60_000 } as const;

/** The times that still count, with `count` more now; no more than are looked at. Epoch milliseconds. */
export function withMissing(
  times: readonly number[],
  count: number,
  now: number,
): readonly number[] {
  const recent = times.filter((at) => now - at < MISSING.withinMs);
  return [...recent, ...Array.from({ length: count }, () => now)].slice(-(MISSING.bearable + 1));
}

/** Why a worker is to be kept away from work: it loses what it is given. */
export function swallows(times: readonly number[]): string | undefined {
  if (times.length <= MISSING.bearable) return undefined;
  return `quarantined: more than ${MISSING.bearable} tasks vanished there in ${MISSING.withinMs / 1_000} s`;
}
