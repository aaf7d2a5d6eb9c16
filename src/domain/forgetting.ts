/** What the registry says of a worker, as far as it decides whether the worker is forgotten. */
interface KnownWorker {
  readonly state: string;
  /** When it came into this state, ISO 8601. */
  readonly changedAt: string;
  /** False for one that has never been healthy. */
  readonly isProven?: boolean;
  /** There only after a mishap. */
  readonly conduct?: { readonly spells: number };
}

export interface ForgettingAges {
  readonly goneMs: number;
  /** For one that has registered and was never healthy: nobody will ask what became of it. */
  readonly ghostMs: number;
}

/**
 * Whether a worker has been offline for long enough at `now` (epoch ms). Never for one whose time cannot
 * be read. One that was in quarantine is no ghost: it would be let off by being forgotten.
 */
export function isForgettable(
  { state, changedAt, isProven = true, conduct }: KnownWorker,
  now: number,
  { goneMs, ghostMs }: ForgettingAges,
): boolean {
  const isGhost = !isProven && (conduct?.spells ?? 0) === 0;
  return state === "offline" && now - Date.parse(changedAt) > (isGhost ? ghostMs : goneMs);
}
