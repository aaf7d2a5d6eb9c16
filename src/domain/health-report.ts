/** What one heartbeat says about health. The `Heartbeat` message is one. */
export interface HealthReport {
  readonly status: "healthy" | "degraded" | "critical";
  readonly eventLoopLagMs: number;
  readonly currentLoad: {
    readonly activeFlows: number;
    readonly memoryUsagePercent: number;
    readonly cpuUsagePercent: number;
  };
  readonly performance: { readonly tasksCompleted: number; readonly errorRate: number };
  readonly lastTakenAt?: string | null | undefined;
}

/** What a worker is measured against: facts that its own heartbeat cannot know. */
export interface FleetFacts {
  /**
   * Median error rate (0-1) of the other workers that run the same node types. Undefined where
   * there is nothing to compare with: then errors are the flows' fault and cost no points.
   */
  readonly medianErrorRate?: number | undefined;
  /**
   * How many executions were handed to this worker that its beat does not list: work that it has got
   * and does not take. What merely waits in the lanes says nothing about a worker: lanes are paused,
   * and workers are full.
   */
  readonly untaken?: number | undefined;
}
