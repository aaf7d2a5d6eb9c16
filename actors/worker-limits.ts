/** Contract B5 in numbers. "Intervals" are heartbeat intervals of the worker in question. */

/** registering -> healthy. */
export const PROOF = { beats: 2, timeoutIntervals: 10 } as const;

/** Silence: late is reversible and early, lost is final and late. */
export const SILENCE = {
  lateIntervals: 2.5,
  lostIntervals: 6,
  /** An answered ping this young proves that the worker can be reached; pings go out every second. */
  reachableMs: 2_500,
} as const;

/** Enter fast, leave slowly: the bad streaks are short, the good ones are long and have a dwell. */
export const DEGRADED = { score: 2, beats: 2 } as const;
export const RECOVERED = { score: 1, beats: 4, dwellMs: 15_000 } as const;
export const CRITICAL = { score: 5, beats: 2 } as const;
export const IMPROVED = { score: 3, beats: 6, dwellMs: 30_000 } as const;

/** critical -> draining. */
export const QUARANTINE = { afterMs: 60_000, visits: 3, visitsWithinMs: 600_000 } as const;

/** draining -> offline. Two beats, since the first may have been sent before the order arrived. */
export const DRAIN = { graceMs: 30_000, idleBeats: 2 } as const;

/** Self-doubt of the supervisor. */
export const FREEZE = { defaultMs: 30_000, maxMs: 60_000 } as const;

/** How much work a worker gets in a state; 0 in all others. */
export const WEIGHTS = {
  healthy: { weight: 1, slotShare: 1 },
  degraded: { weight: 0.25, slotShare: 0.5 },
} as const;
