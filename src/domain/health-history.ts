import type { FleetFacts, HealthReport } from "./health-report.ts";

/** How many tasks a worker had completed at a time. */
interface CompletedSample {
  readonly at: number;
  readonly tasks: number;
}

/**
 * What has to be remembered of earlier beats to score the next one: a few numbers instead of the
 * beats themselves, since an orchestrator holds one of these for each worker.
 */
export interface HealthHistory {
  /** Arrival of the last beat in epoch milliseconds; undefined before the first. */
  readonly lastAt: number | undefined;
  /** Between the last two beats; 0 before the second. */
  readonly gapMs: number;
  /** Of the last beats, oldest first. */
  readonly cpuPercents: readonly number[];
  /** Of the last minute, oldest first, one in ten seconds. */
  readonly completed: readonly CompletedSample[];
  /** Since when the worker has free slots and was handed work but takes nothing. */
  readonly deafSince: number | undefined;
  /** Changes whenever the worker took or completed something. */
  readonly progress: string;
}

export const EMPTY_HISTORY: HealthHistory = {
  lastAt: undefined,
  gapMs: 0,
  cpuPercents: [],
  completed: [],
  deafSince: undefined,
  progress: "",
};

/** How much is remembered: as many CPU readings and as long a minute as the score looks at. */
const HISTORY_LIMITS = {
  cpuReadings: 3,
  windowMs: 60_000,
  sampleEveryMs: 10_000,
} as const;

/** One beat as it arrived. */
export interface BeatArrival {
  readonly report: HealthReport;
  readonly fleet: FleetFacts;
  readonly maxConcurrentFlows: number;
  /** Epoch milliseconds by the clock of the receiver, never the worker's own. */
  readonly now: number;
}

/** The history after one more beat. */
export function rememberBeat(history: HealthHistory, beat: BeatArrival): HealthHistory {
  const { report, now } = beat;
  const progress = `${report.lastTakenAt ?? ""}/${report.performance.tasksCompleted}`;
  return {
    lastAt: now,
    gapMs: history.lastAt === undefined ? 0 : now - history.lastAt,
    cpuPercents: [...history.cpuPercents, report.currentLoad.cpuUsagePercent].slice(
      -HISTORY_LIMITS.cpuReadings,
    ),
    completed: sampled(history.completed, report.performance.tasksCompleted, now),
    deafSince: deafSince(history, beat, progress),
    progress,
  };
}

/** The history without the gap since the last beat: that silence was the receiver's own fault. */
export function excuseGap(history: HealthHistory, now: number): HealthHistory {
  return history.lastAt === undefined ? history : { ...history, lastAt: now };
}

function sampled(
  samples: readonly CompletedSample[],
  tasks: number,
  now: number,
): readonly CompletedSample[] {
  const last = samples.at(-1);
  const isDue = last === undefined || now - last.at >= HISTORY_LIMITS.sampleEveryMs;
  const isFresh = ({ at }: CompletedSample) => now - at <= HISTORY_LIMITS.windowMs;
  if (isDue) return [...samples.filter(isFresh), { at: now, tasks }];
  // The same list as before, where that will do: one of each beat of each worker would soon be megabytes.
  return samples.every(isFresh) ? samples : samples.filter(isFresh);
}

function deafSince(history: HealthHistory, beat: BeatArrival, progress: string) {
  const hasFreeSlots = beat.report.currentLoad.activeFlows < beat.maxConcurrentFlows;
  if (!hasFreeSlots || (beat.fleet.untaken ?? 0) === 0) return undefined;
  return progress === history.progress ? (history.deafSince ?? beat.now) : beat.now;
}
