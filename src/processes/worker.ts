import { hostname } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { monotonicFactory } from "ulid";
import { type Bus, connectBus } from "../bus/connect.ts";
import type { LaneMessage } from "../bus/intake.ts";
import { PulledTasks, type TakenIds } from "../bus/pulled-tasks.ts";
import { WorkerLink } from "../bus/worker-link.ts";
import { BatutaError, ConfigError } from "../domain/errors.ts";
import type {
  RegisterMessage,
  RegisterReply,
  WorkerCapacity,
  WorkerControl,
} from "../messages/worker.ts";
import type { BeatSource, BeatStart } from "./beat-source.ts";
import { Beats } from "./beats.ts";
import { logConnection } from "./connection-log.ts";
import type { FlowEngine } from "./flow-engine.ts";
import { Grace } from "./grace.ts";
import type { InspectionSettings } from "./inspection.ts";
import type { ProcessLog } from "./process-log.ts";
import { pulledTask } from "./pulled-task.ts";
import { seldom } from "./seldom.ts";
import { TaskRunner } from "./task-runner.ts";
import { VERSION } from "./version.ts";
import { within } from "./within.ts";
import { WorkerInspection } from "./worker-inspection.ts";

export interface WorkerOptions {
  readonly natsUrl: string;
  readonly prefix: string;
  readonly workerId: string;
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: WorkerCapacity;
  readonly heartbeatIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly engine: FlowEngine;
  readonly inspection: InspectionSettings;
  readonly log: ProcessLog;
  /** The worker is another system's, and this process only stands for it. */
  readonly standsFor?: { startBeats(bus: Bus, start: BeatStart): Promise<BeatSource> };
}

/** A running worker. */
export interface WorkerHandle extends AsyncDisposable {
  readonly workerId: string;
  /** Resolves when the worker has stopped, by `stop` or by a command from its supervisor. */
  readonly stopped: Promise<void>;
  /**
   * Drains for at most `graceMs` (the drain time-out by default), says goodbye and closes. Safe to
   * call again: a shorter grace then counts.
   */
  stop(reason: string, graceMs?: number): Promise<void>;
}

const REGISTER_RETRY_MS = 500;
const MOST_RETRY_MS = 60_000;
const GOODBYE_MS = 2_000;
const TELL_FULL_EVERY_MS = 5_000;
/** It travels in beats and goodbyes, and is for people. */
const MAX_REASON_CHARS = 200;

/** Two incarnations of one millisecond must be in order as well. */
const nextIncarnation = monotonicFactory();

/**
 * Starts a worker: connects, registers (waiting for an orchestrator as long as it takes), beats from
 * a thread of its own, and runs tasks until it is stopped.
 *
 * @throws UnreachableError when no server answers; ConfigError when the supervisor refuses it.
 */
export async function startWorker(
  options: WorkerOptions,
  signal?: AbortSignal,
): Promise<WorkerHandle> {
  const bus = await connectBus({
    url: options.natsUrl,
    prefix: options.prefix,
    name: `batuta worker ${options.workerId}`,
  });
  const worker = new WorkerProcess(options, bus);
  try {
    await worker.start(signal);
  } catch (error) {
    await bus.close();
    throw error;
  }
  return worker;
}

class WorkerProcess implements WorkerHandle {
  readonly workerId: string;
  readonly stopped: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #bus: Bus;
  readonly #link: WorkerLink;
  readonly #pulled: PulledTasks;
  readonly #inspection: WorkerInspection;
  #incarnation = nextIncarnation();
  #isReregistering = false;
  #beats: BeatSource | undefined;
  #runner: TaskRunner | undefined;
  #stopping: Promise<void> | undefined;
  #grace: Grace | undefined;
  #markStopped: () => void = () => {};

  constructor(options: WorkerOptions, bus: Bus) {
    this.workerId = options.workerId;
    this.#options = options;
    this.#bus = bus;
    this.#inspection = new WorkerInspection(options.workerId);
    this.stopped = new Promise((resolve) => {
      this.#markStopped = resolve;
    });
    this.#link = new WorkerLink(bus, options.workerId, this.#incarnation, {
      task: (task) =>
        this.#runner === undefined ? { refused: "busy", free: 0 } : this.#runner.take(task),
      control: (control) => this.#obey(control),
      free: () => this.#runner?.free() ?? 0,
      committing: () => this.#runner?.committing ?? 0,
      draining: () => this.#runner?.draining ?? false,
      drain: () => this.#grace?.notice(),
      pulls: () => this.#pulled.takeReports(),
      held: (lane) => this.#runner?.heldOf(lane) ?? [],
      malformed: (subject, reason) => options.log.warn({ subject, reason }, "message refused"),
    });
    this.#pulled = new PulledTasks(bus, options.workerId, {
      pulled: (message) => this.#takePulled(message),
      report: () => this.#link.report(),
      fault: (error) => options.log.error({ err: error }, "task could not be taken"),
    });
  }

  async start(signal: AbortSignal | undefined): Promise<void> {
    const { capacity, log } = this.#options;
    this.#link.listen();
    logConnection(this.#bus, "worker", log);
    const { ackWaitMs } = await this.#register(signal);
    this.#beats = await this.#startBeats(ackWaitMs);
    const beats = this.#beats;
    this.#runner = new TaskRunner({
      bus: this.#bus,
      engine: this.#options.engine,
      workerId: this.workerId,
      slots: capacity.maxConcurrentFlows,
      state: beats.state,
      took: (tasks) => beats.took(tasks),
      dropped: (executionId) => beats.dropped(executionId),
      done: (outcome) => this.#link.done(outcome),
      actors: this.#inspection.executions,
      full: seldom(TELL_FULL_EVERY_MS, Date.now, (reason: string, refusals) =>
        log.warn({ reason, refusals }, "result is refused; trying again"),
      ),
    });
    const { inspection } = this.#options;
    const showRunning = () => this.#runner?.showRunning();
    this.#inspection.start(this.#bus, this.workerId, inspection, log, showRunning);
    this.#link.report();
    void this.#bus.nc.closed().then((error) => {
      if (this.#stopping !== undefined) return;
      // Without a connection this worker is a ghost that still beats.
      log.error({ err: error, workerId: this.workerId }, "connection closed for good");
      void this.stop("connection closed");
    });
    log.info({ workerId: this.workerId, slots: capacity.maxConcurrentFlows }, "worker registered");
  }

  stop(reason: string, graceMs = this.#options.drainTimeoutMs): Promise<void> {
    if (this.#grace === undefined) {
      this.#grace = new Grace(reason.slice(0, MAX_REASON_CHARS), graceMs);
      this.#stopping = this.#stop(this.#grace);
    } else this.#grace.shorten(graceMs);
    return this.#stopping as Promise<void>;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop("closed");
  }

  async #stop(grace: Grace): Promise<void> {
    const { log } = this.#options;
    const { reason } = grace;
    const drained = this.#runner?.drain();
    this.#link.report();
    this.#beats?.drains(grace.notice());
    const held = this.#runner?.held() ?? [];
    log.info({ workerId: this.workerId, reason, held: held.length }, "worker draining");
    await Promise.race([drained, grace.over]);
    grace.close();
    const left = this.#runner?.abandon("the worker was stopped") ?? [];
    if (left.length > 0)
      log.warn({ executionIds: left }, "tasks left unfinished; they are redelivered");
    try {
      await this.#beats?.stop();
      // With the server away nobody can be told; what was held is redelivered in any case.
      await within(this.#link.bye(reason, left.length), GOODBYE_MS);
    } catch (error) {
      log.warn({ err: error, workerId: this.workerId }, "worker could not say goodbye");
    } finally {
      this.#link.stop();
      this.#pulled.stop();
      await this.#inspection.close();
      await this.#bus.close();
      this.#markStopped();
    }
  }

  async #register(signal: AbortSignal | undefined): Promise<{ ackWaitMs: number }> {
    const { log } = this.#options;
    let told = false;
    for (;;) {
      signal?.throwIfAborted();
      try {
        const reply = await this.#link.register(this.#registration());
        if (reply.accepted) return { ackWaitMs: Number(reply.config.ackWaitMs ?? 30_000) };
        await this.#refused(reply, signal);
      } catch (error) {
        if (!(error instanceof BatutaError) || !error.retryable) throw error;
        if (!told)
          log.warn({ workerId: this.workerId }, "no orchestrator answers yet; waiting for one");
        told = true;
        await new Promise((resolve) => setTimeout(resolve, REGISTER_RETRY_MS));
        // A lost answer may have registered this incarnation; the next try is a new one.
        this.#incarnation = nextIncarnation();
      }
    }
  }

  /** Resolves when it may ask again, as a new incarnation. */
  async #refused(reply: RegisterReply, signal: AbortSignal | undefined): Promise<void> {
    const { workerId } = this;
    const { reason = "no reason given", retryAfterMs } = reply;
    if (retryAfterMs === undefined)
      throw new ConfigError(`worker ${workerId} was refused: ${reason}`);
    this.#options.log.warn({ workerId, reason, retryAfterMs }, "registration put off");
    await pause(Math.min(retryAfterMs, MOST_RETRY_MS), undefined, { signal });
    this.#incarnation = nextIncarnation();
  }

  #registration(): RegisterMessage {
    const { pool, labels, capacity, heartbeatIntervalMs, engine } = this.#options;
    return {
      workerId: this.workerId,
      incarnation: this.#incarnation,
      hostname: hostname(),
      pid: process.pid,
      version: VERSION,
      transport: this.#options.standsFor === undefined ? "nats" : "amqp",
      pool,
      labels: { ...labels },
      capacity,
      supportedNodeTypes: [...engine.nodeTypes],
      heartbeatIntervalMs,
    };
  }

  #startBeats(ackWaitMs: number): Promise<BeatSource> {
    const { standsFor } = this.#options;
    if (standsFor !== undefined)
      return standsFor.startBeats(this.#bus, { incarnation: this.#incarnation, ackWaitMs });
    const { natsUrl, prefix, heartbeatIntervalMs, capacity, log } = this.#options;
    const settings = {
      natsUrl,
      prefix,
      workerId: this.workerId,
      incarnation: this.#incarnation,
      intervalMs: heartbeatIntervalMs,
      ackWaitMs,
      slots: capacity.maxConcurrentFlows,
      memoryLimitMB: capacity.memoryLimitMB,
      cpuLimitCores: capacity.cpuLimitCores,
    };
    return Beats.start(settings, (error) => {
      // Without beats this worker is a ghost: better to end in order and be replaced.
      log.error({ err: error }, "heartbeat thread failed");
      void this.stop("heartbeat thread failed");
    });
  }

  #takePulled(message: LaneMessage): TakenIds | undefined {
    const pulled = pulledTask(message, Date.now());
    if (pulled === undefined || this.#runner?.takePulled(pulled) !== true) return undefined;
    return { executionId: pulled.task.executionId, flowId: pulled.body.flowId };
  }

  #obey(control: WorkerControl): void {
    const { log } = this.#options;
    switch (control.action) {
      case "cancel":
        this.#runner?.cancel(control.executionId, control.reason ?? "cancelled", control.recorded);
        break;
      case "pause":
      case "resume": {
        const { action, executionId, revision } = control;
        this.#runner?.pause(executionId, action === "pause", revision);
        break;
      }
      case "drain":
        if (control.incarnation !== undefined && control.incarnation !== this.#incarnation) break;
        void this.stop(control.reason ?? "drained by command", control.deadlineMs);
        break;
      case "shutdown":
        if (control.incarnation !== undefined && control.incarnation !== this.#incarnation) break;
        // Another process has its id, and the same subjects: what the server delivers is for that one.
        if (control.incarnation !== undefined) this.#pulled.stop();
        void this.stop(control.reason ?? "shut down by command");
        break;
      case "register":
        void this.#reregister();
        break;
      case "direct":
        // Meant for the process that has taken its place, perhaps: the subject is the same.
        if (this.#stopping === undefined) this.#pulled.takeFrom(control.by);
        break;
      case "held":
        break;
      case "config":
        log.debug({ config: control.config }, "settings received");
        break;
    }
  }

  /** The orchestrator has lost sight of this worker: it comes back as a new incarnation, tasks and all. */
  async #reregister(): Promise<void> {
    // Several orchestrators may ask for it at once.
    if (this.#stopping !== undefined || this.#isReregistering) return;
    this.#isReregistering = true;
    this.#incarnation = nextIncarnation();
    try {
      await this.#register(undefined);
      this.#beats?.reincarnated(this.#incarnation);
      this.#beats?.beatNow();
      this.#link.report();
    } catch (error) {
      this.#options.log.error({ err: error }, "worker could not register again");
      await this.stop("registration refused");
    } finally {
      this.#isReregistering = false;
    }
  }
}
