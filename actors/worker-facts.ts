import {
  type HealthInput,
  type HealthVerdict,
  NO_VERDICT,
  scoreHealth,
} from "../src/domain/health.ts";
import {
  EMPTY_HISTORY,
  excuseGap,
  type HealthHistory,
  rememberBeat,
} from "../src/domain/health-history.ts";
import type { FleetFacts, HealthReport } from "../src/domain/health-report.ts";
import type { WorkerStateName } from "../src/messages/worker.ts";
import type { WorkerEnding, WorkerEvent, WorkerInput, WorkerManifest } from "./worker-events.ts";
import { CRITICAL, DEGRADED, DRAIN, FREEZE, IMPROVED, RECOVERED } from "./worker-limits.ts";

/** Beats in a row, counted since the worker entered its state. */
export interface Streaks {
  /** Score >= 5. */
  readonly sick: number;
  /** Score >= 2. */
  readonly poor: number;
  /** Score <= 3, and the worker does not call itself critical. */
  readonly better: number;
  /** Score <= 1, and the worker calls itself healthy. */
  readonly good: number;
}

/** Everything a worker actor knows. All times are in the milliseconds of `now`. */
export interface WorkerContext {
  readonly now: () => number;
  readonly workerId: string;
  readonly incarnation: string;
  readonly manifest: WorkerManifest;

  /** The state of contract B5 that was announced last, the one before, and why it changed. */
  readonly state: WorkerStateName;
  readonly from: WorkerStateName | null;
  readonly since: number;
  readonly reasons: readonly string[];

  /** Of the last beat that counted; -1 before the first. */
  readonly seq: number;
  readonly beats: number;
  /** Arrival of the last beat; the start of the actor before the first. */
  readonly beatAt: number;
  readonly pongAt: number | undefined;
  readonly late: boolean;
  /** No verdict before this time: the supervisor doubts itself. */
  readonly doubtUntil: number;
  /** How much of the time since the last beat was, or until `doubtUntil` will be, such doubt. */
  readonly doubtedMs: number;

  readonly history: HealthHistory;
  readonly verdict: HealthVerdict;
  /** What the verdict was passed on, beside the history; undefined before the first beat. */
  readonly judged: { readonly report: HealthReport; readonly fleet: FleetFacts } | undefined;
  readonly streaks: Streaks;
  /** When it became critical, within the last 10 minutes. */
  readonly criticalVisits: readonly number[];

  /** 0-1, as the worker reports it. */
  readonly load: number;
  /** Executions it holds: by its own last beat, and by this orchestrator's count. */
  readonly reported: number;
  readonly assigned: number;

  /** It is not believed to be well before this time, and why. */
  readonly quarantineUntil: number;
  readonly quarantineReason: string;
  readonly drainReason: string;
  readonly drainUntil: number;
  /** It drains for what it did. */
  readonly isQuarantined: boolean;
  /** Beats in a row that listed nothing in flight while draining. */
  readonly idleBeats: number;
  readonly ending: WorkerEnding | undefined;

  /** Of another process or out of order: dropped. */
  readonly staleEvents: number;
  /** Late beats that turned out to be only late. */
  readonly falseSuspicions: number;
  /** Verdicts that were not passed because the supervisor doubted itself. */
  readonly withheldVerdicts: number;
}

export const NO_STREAKS: Streaks = { sick: 0, poor: 0, better: 0, good: 0 };

/** What is known when the actor starts: nothing bad, with full grace from now on. */
export function initialFacts(input: WorkerInput): WorkerContext {
  const now = input.now();
  return {
    now: input.now,
    workerId: input.workerId,
    incarnation: input.incarnation,
    manifest: input.manifest,
    state: input.recovered?.state ?? "registering",
    from: null,
    since: now,
    reasons: input.recovered?.reasons ?? [],
    seq: -1,
    beats: 0,
    beatAt: now,
    pongAt: undefined,
    late: false,
    doubtUntil: now,
    doubtedMs: 0,
    history: EMPTY_HISTORY,
    verdict: NO_VERDICT,
    judged: undefined,
    streaks: NO_STREAKS,
    criticalVisits: [],
    load: 0,
    reported: 0,
    assigned: 0,
    quarantineUntil: now + (input.quarantine?.forMs ?? 0),
    quarantineReason: input.quarantine?.reason ?? "",
    drainReason: input.recovered?.reasons?.[0] ?? "",
    drainUntil: now + (input.recovered?.drainDeadlineMs ?? DRAIN.graceMs),
    isQuarantined: false,
    idleBeats: 0,
    ending: undefined,
    staleEvents: 0,
    falseSuspicions: 0,
    withheldVerdicts: 0,
  };
}

type EventOf<T extends WorkerEvent["type"]> = Extract<WorkerEvent, { type: T }>;

/** What one more beat changes. */
export function withBeat(
  context: WorkerContext,
  event: EventOf<"heartbeat">,
): Partial<WorkerContext> {
  const { beat, fleet = {} } = event;
  const now = context.now();
  const { heartbeatIntervalMs, capacity } = context.manifest;
  const { maxConcurrentFlows } = capacity;
  const excused = context.doubtUntil > context.beatAt ? excuseGap(context.history, now) : undefined;
  const history = rememberBeat(excused ?? context.history, {
    report: beat,
    fleet,
    maxConcurrentFlows,
    now,
  });
  const verdict = scoreHealth({
    report: beat,
    history,
    fleet,
    heartbeatIntervalMs,
    maxConcurrentFlows,
    now,
  });
  const reported = beat.inFlight.length;
  return {
    seq: beat.seq,
    beats: context.beats + 1,
    beatAt: now,
    doubtedMs: Math.max(0, context.doubtUntil - now),
    late: false,
    falseSuspicions: context.falseSuspicions + (context.late ? 1 : 0),
    history,
    verdict,
    judged: { report: beat, fleet },
    streaks: withVerdict(context.streaks, verdict),
    load: beat.performance.currentLoad,
    reported,
    idleBeats: reported === 0 ? context.idleBeats + 1 : 0,
  };
}

/**
 * All that the last verdict was passed on; undefined before the first beat. Put together when it is asked for:
 * for each beat of a thousand workers it would be a megabyte.
 */
export function scoredOf(context: WorkerContext): HealthInput | undefined {
  const { judged, history, manifest, beatAt: now } = context;
  if (judged === undefined) return undefined;
  const { heartbeatIntervalMs, capacity } = manifest;
  const { maxConcurrentFlows } = capacity;
  const report = reportOf(judged.report);
  return { report, history, fleet: judged.fleet, heartbeatIntervalMs, maxConcurrentFlows, now };
}

/** Without what says nothing of health: a beat may list thousands of tasks. */
function reportOf({ status, eventLoopLagMs, currentLoad, ...beat }: HealthReport): HealthReport {
  const { activeFlows, memoryUsagePercent, cpuUsagePercent } = currentLoad;
  const { tasksCompleted, errorRate } = beat.performance;
  return {
    status,
    eventLoopLagMs,
    currentLoad: { activeFlows, memoryUsagePercent, cpuUsagePercent },
    performance: { tasksCompleted, errorRate },
    lastTakenAt: beat.lastTakenAt,
  };
}

function withVerdict(streaks: Streaks, { score, says }: HealthVerdict): Streaks {
  return {
    sick: score >= CRITICAL.score ? streaks.sick + 1 : 0,
    poor: score >= DEGRADED.score ? streaks.poor + 1 : 0,
    better: score <= IMPROVED.score && says !== "critical" ? streaks.better + 1 : 0,
    good: score <= RECOVERED.score && says === "healthy" ? streaks.good + 1 : 0,
  };
}

/** No verdict for a while. A freeze that is never thawed ends by itself. */
export function withDoubt(
  context: WorkerContext,
  event: EventOf<"freeze">,
): Partial<WorkerContext> {
  const forMs = Math.min(event.forMs ?? FREEZE.defaultMs, FREEZE.maxMs);
  const now = context.now();
  const until = Math.max(context.doubtUntil, now + forMs);
  const addedMs = until - Math.max(context.doubtUntil, now);
  return { doubtUntil: until, doubtedMs: context.doubtedMs + addedMs };
}

/** The doubt ends now, if not before. */
export function withoutDoubt(context: WorkerContext): Partial<WorkerContext> {
  const now = context.now();
  const doubtedMs = context.doubtedMs - Math.max(0, context.doubtUntil - now);
  return { doubtUntil: Math.min(context.doubtUntil, now), doubtedMs };
}

/** A second drain order may shorten the grace, never lengthen it. */
export function withDrain(context: WorkerContext, event: EventOf<"drain">): Partial<WorkerContext> {
  const until = context.now() + (event.deadlineMs ?? DRAIN.graceMs);
  const isDraining = context.state === "draining";
  return isDraining
    ? { drainUntil: Math.min(context.drainUntil, until) }
    : {
        drainUntil: until,
        drainReason: event.reason,
        isQuarantined: event.isQuarantine ?? false,
      };
}
