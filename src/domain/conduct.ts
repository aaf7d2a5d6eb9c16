/** A time in which a worker gets nothing, however well it looks. */
export interface Quarantine {
  /** ISO 8601 UTC. */
  readonly until: string;
  readonly reason: string;
}

/** How a worker id has behaved, over all its incarnations. Times are ISO 8601 UTC. */
export interface Conduct {
  /** The last mishaps: no more than the policy looks at. */
  readonly mishaps: readonly string[];
  /** Quarantines in a row; they grow longer. */
  readonly spells: number;
  /** The last one. */
  readonly quarantine?: Quarantine;
}

/** Something that does not happen to a sound worker. */
export interface Mishap {
  readonly why: string;
  /** Enough for a quarantine by itself. */
  readonly isGrave: boolean;
}

/** Three mishaps a minute are borne: restarts happen. */
export const CONDUCT = {
  bearable: 3,
  withinMs: 60_000,
  firstMs: 10_000,
  longestMs: 120_000,
  /** After so long without a quarantine the next one is a first one. */
  forgivenAfterMs: 1_800_000,
} as const;

const SPOTLESS: Conduct = { mishaps: [], spells: 0 };

/**
 * The conduct after one more mishap at `now` (epoch ms). More than three within a minute, one that is
 * grave, or any during a quarantine are followed by a quarantine, twice as long as the one before.
 */
export function afterMishap(conduct: Conduct | undefined, mishap: Mishap, now: number): Conduct {
  const { mishaps, spells, quarantine } = forgiven(conduct ?? SPOTLESS, now);
  const isRecent = (at: string) => now - Date.parse(at) < CONDUCT.withinMs;
  const recent = [...mishaps.filter(isRecent), new Date(now).toISOString()];
  const isConfined = quarantine !== undefined && now < Date.parse(quarantine.until);
  const isBorne = !mishap.isGrave && !isConfined && recent.length <= CONDUCT.bearable;
  if (isBorne) return { mishaps: recent, spells, ...(quarantine && { quarantine }) };
  const lengthMs = Math.min(CONDUCT.longestMs, CONDUCT.firstMs * 2 ** spells);
  const reason = recent.length > CONDUCT.bearable ? repeated(recent.length, mishap) : mishap.why;
  const until = new Date(now + lengthMs).toISOString();
  return { mishaps: [], spells: spells + 1, quarantine: { until, reason } };
}

/** The quarantine that holds at `now` (epoch ms). */
export function quarantineAt(conduct: Conduct | undefined, now: number): Quarantine | undefined {
  const quarantine = conduct?.quarantine;
  return quarantine && now < Date.parse(quarantine.until) ? quarantine : undefined;
}

/** For people: a reason of a worker's state. */
export function quarantineText({ until, reason }: Quarantine): string {
  return `quarantined until ${until}: ${reason}`;
}

function forgiven(conduct: Conduct, now: number): Conduct {
  const { quarantine, mishaps } = conduct;
  if (quarantine === undefined) return conduct;
  const isForgiven = now - Date.parse(quarantine.until) > CONDUCT.forgivenAfterMs;
  return isForgiven ? { mishaps, spells: 0 } : conduct;
}

function repeated(times: number, { why }: Mishap): string {
  return `${times} mishaps in ${CONDUCT.withinMs / 1_000} s, the last one: ${why}`;
}
