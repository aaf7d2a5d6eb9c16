import type { DrainNotice, Heartbeat, WorkerLevel } from "../messages/worker.ts";
import {
  type BeatState,
  type BeatThreadSettings,
  type Draining,
  type LongTask,
  TICK_MS,
} from "./beat-state.ts";

export interface ResourceSample {
  readonly cpu: NodeJS.CpuUsage;
  readonly at: number;
}

interface Moment {
  readonly incarnation: string;
  readonly seq: number;
  readonly rssBytes: number;
  readonly drain: Draining | undefined;
}

/**
 * One heartbeat. CPU is that of the whole process since the last beat, in percent of the cores it
 * may use; memory is its resident set in percent of its limit; the event loop's lag is the larger of
 * the delay that the main thread measured and how late its last tick is now.
 */
export function composeBeat(
  settings: BeatThreadSettings,
  state: BeatState,
  inFlight: readonly LongTask[],
  previous: ResourceSample,
  current: ResourceSample,
  moment: Moment,
): Heartbeat {
  const overdueMs = Math.max(0, current.at - state.get("tickedAt") - TICK_MS);
  const eventLoopLagMs = Math.round(Math.max(overdueMs, state.get("lagMs")));
  const memoryUsagePercent = round((moment.rssBytes / (settings.memoryLimitMB * 1_048_576)) * 100);
  const cpuUsagePercent = cpuPercent(settings.cpuLimitCores, previous, current);
  const activeFlows = state.get("activeFlows");
  const ended = state.get("completed") + state.get("failed");
  return {
    workerId: settings.workerId,
    incarnation: moment.incarnation,
    seq: moment.seq,
    at: new Date(current.at).toISOString(),
    status: ownLevel(eventLoopLagMs, memoryUsagePercent),
    currentLoad: {
      activeFlows,
      activeNodes: state.get("activeNodes"),
      queuedTasks: 0,
      memoryUsagePercent,
      cpuUsagePercent,
    },
    performance: {
      tasksCompleted: state.get("completed"),
      tasksInProgress: activeFlows,
      averageExecutionTimeMs: ended === 0 ? 0 : round(state.get("totalRunMs") / ended),
      errorRate: ended === 0 ? 0 : round(state.get("failed") / ended, 4),
      currentLoad: round(activeFlows / settings.slots, 4),
    },
    eventLoopLagMs,
    lastTakenAt: instant(state.get("lastTakenAt")),
    lastAckAt: instant(state.get("lastAckAt")),
    inFlight: inFlight.map(({ executionId, attempt }) => ({ executionId, attempt })),
    ...(state.get("draining") === 1 ? { draining: true } : {}),
    ...(moment.drain === undefined ? {} : { drain: noticeOf(moment.drain, current.at) }),
  };
}

function noticeOf({ reason, until }: Draining, now: number): DrainNotice {
  return { reason, leftMs: Math.max(0, until - now) };
}

/** What the worker says of itself; the supervisor's own score weighs more (contract B5). */
function ownLevel(lagMs: number, memoryPercent: number): WorkerLevel {
  if (lagMs > 2_000 || memoryPercent > 95) return "critical";
  if (lagMs > 500 || memoryPercent > 90) return "degraded";
  return "healthy";
}

function cpuPercent(cores: number, previous: ResourceSample, current: ResourceSample): number {
  const elapsedMs = current.at - previous.at;
  if (elapsedMs <= 0) return 0;
  const usedUs = current.cpu.user - previous.cpu.user + (current.cpu.system - previous.cpu.system);
  return round((usedUs / 1_000 / elapsedMs / cores) * 100);
}

function instant(epochMs: number): string | null {
  return epochMs === 0 ? null : new Date(epochMs).toISOString();
}

function round(value: number, digits = 1): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
