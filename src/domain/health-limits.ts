/** Above `above` costs `points`. */
export interface HealthStep {
  readonly above: number;
  readonly points: number;
}

/** Steps are listed from mild to severe; the last one that is crossed counts. */
export interface HealthLimits {
  readonly maxScore: number;
  readonly loopLagMs: readonly HealthStep[];
  readonly memoryPercent: readonly HealthStep[];
  readonly memoryCriticalPercent: number;
  readonly cpuPercent: readonly HealthStep[];
  /** How many beats in a row the CPU must be above a step. */
  readonly cpuBeats: number;
  /** `above` is the error rate (0-1) and must also be `timesMedian` that of the fleet. */
  readonly errorRate: readonly (HealthStep & { readonly timesMedian: number })[];
  /** Fewer tasks than this within the window say nothing about errors. */
  readonly errorMinTasks: number;
  /** Heartbeat intervals with free slots and work at hand but nothing taken. */
  readonly deafIntervals: readonly HealthStep[];
  /** Heartbeat intervals since the previous beat. */
  readonly lateIntervals: readonly HealthStep[];
  /** Flows that it says it runs, for each of its slots. */
  readonly claimedSlots: readonly HealthStep[];
}

/** The table of research/peers.md 5.2. Fullness is admission, not sickness, and is not in it. */
export const HEALTH_LIMITS: HealthLimits = {
  maxScore: 8,
  loopLagMs: [
    { above: 100, points: 1 },
    { above: 500, points: 2 },
    { above: 2_000, points: 4 },
  ],
  memoryPercent: [
    { above: 80, points: 1 },
    { above: 90, points: 3 },
    { above: 95, points: 5 },
  ],
  memoryCriticalPercent: 95,
  cpuPercent: [
    { above: 85, points: 1 },
    { above: 95, points: 2 },
  ],
  cpuBeats: 3,
  errorRate: [
    { above: 0.1, timesMedian: 2, points: 1 },
    { above: 0.3, timesMedian: 3, points: 3 },
    { above: 0.6, timesMedian: 3, points: 5 },
  ],
  errorMinTasks: 10,
  deafIntervals: [
    { above: 3, points: 3 },
    { above: 6, points: 5 },
  ],
  lateIntervals: [{ above: 1.5, points: 1 }],
  claimedSlots: [{ above: 1, points: 2 }],
};
