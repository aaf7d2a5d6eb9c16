import {
  type RecoveredWorker,
  recoveredInput,
  standingOf,
  type WorkerContext,
  type WorkerEffects,
  type WorkerEvent,
  type WorkerInput,
  type WorkerManifest,
  workerWith,
} from "../../actors/index.ts";
import { postponeMs } from "../../actors/worker-rules.ts";
import type { Mishap } from "../../src/domain/conduct.ts";
import type { ActorRef } from "../../src/kernel/actor.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import type { Heartbeat } from "../../src/messages/worker.ts";

/** The heartbeat interval of every worker here. */
export const T = 2_000;

const OWN = "01B";
export const OLDER = "01A";
export const NEWER = "01C";

export const MANIFEST: WorkerManifest = {
  hostname: "host-1",
  pid: 4_711,
  pool: "default",
  labels: {},
  capacity: {
    maxConcurrentFlows: 5,
    maxConcurrentNodes: 10,
    memoryLimitMB: 1_024,
    cpuLimitCores: 2,
  },
  supportedNodeTypes: ["set"],
  heartbeatIntervalMs: T,
};

/** How a beat can read. The scores are those of the table in src/domain/health-limits.ts. */
export const REPORTS = {
  fine: {},
  /** Score 1. */
  fair: { eventLoopLagMs: 150 },
  /** Score 2. */
  poor: { eventLoopLagMs: 600 },
  /** Score 3. */
  worse: { memoryUsagePercent: 92 },
  /** Score 5, without critical memory. */
  sick: { memoryUsagePercent: 91, eventLoopLagMs: 700 },
  /** Enough for critical at once. */
  memory: { memoryUsagePercent: 96 },
  saysDegraded: { status: "degraded" },
  saysCritical: { status: "critical" },
} as const satisfies Record<string, ReportChange>;
export type ReportName = keyof typeof REPORTS;

export interface ReportChange {
  readonly status?: Heartbeat["status"];
  readonly eventLoopLagMs?: number;
  readonly memoryUsagePercent?: number;
}

export interface BeatChange extends ReportChange {
  readonly incarnation?: string;
  readonly seq?: number;
  readonly inFlight?: number;
}

export function beatOf(seq: number, change: BeatChange = {}): Heartbeat {
  const inFlight = Array.from({ length: change.inFlight ?? 0 }, (_, i) => ({
    executionId: `e${i}`,
    attempt: 1,
  }));
  return {
    workerId: "w1",
    incarnation: change.incarnation ?? OWN,
    seq: change.seq ?? seq,
    at: "2026-11-24T12:00:00Z",
    status: change.status ?? "healthy",
    currentLoad: {
      activeFlows: inFlight.length,
      activeNodes: inFlight.length,
      queuedTasks: 0,
      memoryUsagePercent: change.memoryUsagePercent ?? 40,
      cpuUsagePercent: 20,
    },
    performance: {
      tasksCompleted: 0,
      tasksInProgress: inFlight.length,
      averageExecutionTimeMs: 0,
      errorRate: 0,
      currentLoad: 0.2,
    },
    eventLoopLagMs: change.eventLoopLagMs ?? 3,
    inFlight,
  };
}

export interface WorkerOptions {
  readonly recovered?: RecoveredWorker;
  readonly quarantine?: WorkerInput["quarantine"];
  readonly effects?: Partial<WorkerEffects>;
  /** The actor handles each timer that comes due, also one that will change nothing. */
  readonly isEveryLookTaken?: boolean;
}

/** A worker actor on a clock that is moved by hand, and what it did. */
export class TestWorker {
  readonly clock = new VirtualClock(1_000_000);
  readonly did: string[] = [];
  readonly mishaps: Mishap[] = [];
  readonly kernel: Kernel;
  readonly ref: ActorRef<WorkerEvent, WorkerContext>;
  /** Answers pings once a second while time passes. */
  answersPings = true;
  #seq = 0;

  constructor(options: WorkerOptions = {}) {
    this.kernel = new Kernel({ clock: this.clock });
    const { did } = this;
    const machine = workerWith({
      announce: ({ from, to, mishap }) => {
        did.push(`announce ${from} -> ${to}`);
        if (mishap !== undefined) this.mishaps.push(mishap);
      },
      redistribute: ({ reason, clean }) =>
        did.push(`redistribute ${reason}${clean ? " clean" : ""}`),
      sendDrain: ({ reason }) => did.push(`sendDrain ${reason}`),
      effectFailed: (effect, error) => did.push(`failed ${effect}: ${String(error)}`),
      ...options.effects,
    });
    const { recovered, quarantine } = options;
    const input = { ...inputOf(() => this.clock.now(), recovered), quarantine };
    this.ref = this.kernel.start({
      address: "worker/w1",
      machine,
      input,
      recover: recoveredInput,
      // As the fleet does: the model and the table are held by what it hosts.
      postponeMs: options.isEveryLookTaken ? () => 0 : postponeMs,
    });
  }

  get state(): string {
    return this.ref.snapshot().state;
  }

  get facts(): WorkerContext {
    return this.ref.snapshot().context;
  }

  get standing() {
    return standingOf(this.ref.snapshot());
  }

  get reasons(): string {
    return this.facts.reasons.join("; ");
  }

  send(event: WorkerEvent): this {
    this.ref.send(event);
    return this;
  }

  nextBeat(change: BeatChange = {}): WorkerEvent {
    return { type: "heartbeat", beat: beatOf(++this.#seq, change) };
  }

  beat(change: BeatChange = {}): this {
    return this.send(this.nextBeat(change));
  }

  /** Time passes, without a beat. */
  pass(ms: number): this {
    for (let left = ms; left > 0; left -= 1_000) {
      this.clock.advance(Math.min(left, 1_000));
      if (this.answersPings) this.send({ type: "pong" });
    }
    return this;
  }

  /** Beats in time, one interval after the other. */
  beats(count: number, change: BeatChange = {}): this {
    for (let i = 0; i < count; i++) this.pass(T).beat(change);
    return this;
  }

  /** Frozen or cut off: no beats, no answers. */
  silence(ms: number): this {
    this.answersPings = false;
    return this.pass(ms);
  }

  /** Registered, beats and answers: healthy. */
  proven(): this {
    return this.send({ type: "pong" }).beats(2);
  }
}

export function inputOf(now: () => number, recovered?: RecoveredWorker): WorkerInput {
  return { workerId: "w1", incarnation: OWN, manifest: MANIFEST, now, recovered };
}
