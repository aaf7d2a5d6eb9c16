/** More than so many deaths within the time, or more than this share of the fleet, is no accident. */
const ESCALATION = { deaths: 10, share: 0.3, withinMs: 300_000 } as const;

/** Below this many deaths a share of a small fleet says nothing. */
const LEAST_DEATHS = 3;

/** The deaths that still count at `now`; times are epoch milliseconds. */
export function recentDeaths(deaths: readonly number[], now: number): readonly number[] {
  return deaths.filter((at) => now - at < ESCALATION.withinMs);
}

/**
 * Why the fleet as a whole is in trouble, beyond what restarting its members can mend: too many deaths in
 * five minutes. `size` counts the workers that are left. Undefined when it is not.
 */
export function escalationOf(
  deaths: readonly number[],
  size: number,
  now: number,
): string | undefined {
  const recent = recentDeaths(deaths, now).length;
  const isMany = recent > ESCALATION.deaths;
  const isLargeShare = recent >= LEAST_DEATHS && recent > ESCALATION.share * (size + recent);
  if (!isMany && !isLargeShare) return undefined;
  return `${recent} workers died in ${ESCALATION.withinMs / 60_000} minutes, ${size} are left`;
}
