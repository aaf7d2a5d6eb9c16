/** What the registry says of a worker, as far as it decides whether the worker is forgotten. */
interface KnownWorker {
  readonly state: string;
  /** When it came into this state, ISO 8601. */
  readonly changedAt: string;
}

/**
 * Whether a worker has been offline for longer than `ageMs` at `now` (epoch ms). Never for one whose
 * time cannot be read.
 */
export function isForgettable({ state, changedAt }: KnownWorker, now: number, ageMs: number) {
  return state === "offline" && now - Date.parse(changedAt) > ageMs;
}
