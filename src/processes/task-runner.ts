import { ack } from "../bus/ack.ts";
import type { Bus } from "../bus/connect.ts";
import { publishFlowEvent } from "../bus/flow-events.ts";
import { type StoreOutcome, storeResult, storeResultOnce } from "../bus/results.ts";
import type { ReceivedTask } from "../bus/worker-link.ts";
import type { ErrorInfo } from "../domain/errors.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { ExecutionResult } from "../messages/result.ts";
import type { TaskOutcome, TaskRefusal } from "../messages/worker.ts";
import type { BeatState, LongTask } from "./beat-state.ts";
import type { FlowEngine, FlowRun, Prepared, PreparedFlow, RunOutcome } from "./flow-engine.ts";

export interface TaskRunnerOptions {
  readonly bus: Bus;
  readonly engine: FlowEngine;
  readonly workerId: string;
  readonly slots: number;
  readonly state: BeatState;
  readonly took: (tasks: readonly LongTask[]) => void;
  readonly dropped: (executionId: string) => void;
  readonly done: (outcome: TaskOutcome) => void;
}

interface RunningTask {
  readonly task: ReceivedTask;
  readonly flowId: string;
  readonly startedAt: number;
  readonly abort: AbortController;
  /** The heartbeat thread knows of it and extends it. */
  announced: boolean;
  /** Somebody else has stored its terminal record. */
  recorded: boolean;
  /** Given up here, to be run elsewhere: what comes of it now is dropped. */
  abandoned: boolean;
}

const CONTESTED_AFTER_MS = 2_000;

/** Room for headers and protocol beside a result. */
const RESULT_OVERHEAD_BYTES = 1_024;

/**
 * Runs tasks up to the slots of this worker and commits what comes out: terminal record by
 * compare-and-set, then ack, then the report. A record that was there already means that this
 * attempt lost the race; it is dropped without ack, nak or term.
 */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #running = new Map<string, RunningTask>();
  #active = 0;
  #draining = false;
  #fresh: RunningTask[] = [];
  #idle: (() => void)[] = [];

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** How many more tasks are taken now. */
  free(): number {
    return this.#draining ? 0 : Math.max(0, this.#options.slots - this.#active);
  }

  /** Starts the task and returns undefined, or says why not. */
  take(task: ReceivedTask): TaskRefusal | undefined {
    if (this.#draining) return { refused: "draining", free: 0 };
    if (this.free() === 0 || this.#running.has(task.executionId)) {
      return { refused: "busy", free: this.free() };
    }
    const body = readBody(task.data);
    const prepared = this.#options.engine.prepare(body?.flowData);
    if (prepared.type === "unsupported") return { refused: "unsupported", free: this.free() };
    const running = this.#open(task, body?.flowId ?? "unknown");
    if (prepared.type === "invalid" || body === undefined) this.#failed(running, notAFlow(prepared));
    else this.#run(running, body, prepared.flow);
    return undefined;
  }

  /**
   * Aborts a task; its nodes see the signal. With `recorded` its terminal record is stored already.
   * False if it is not running here.
   */
  cancel(executionId: string, reason: string, recorded = false): boolean {
    const running = this.#running.get(executionId);
    if (running === undefined) return false;
    running.recorded = recorded;
    running.abort.abort(new Error(reason));
    return true;
  }

  /** Takes nothing more and resolves once nothing is running or waiting to be committed. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#options.state.set("draining", 1);
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Ids of the tasks that are still held. */
  held(): string[] {
    return [...this.#running.keys()];
  }

  /** Aborts what is still running, without an outcome: its messages will be delivered again. */
  abandon(reason: string): string[] {
    for (const running of this.#running.values()) {
      running.abandoned = true;
      running.abort.abort(new Error(reason));
    }
    return this.held();
  }

  #open(task: ReceivedTask, flowId: string): RunningTask {
    const { state } = this.#options;
    const startedAt = Date.now();
    const running: RunningTask = {
      task,
      flowId,
      startedAt,
      abort: new AbortController(),
      announced: false,
      recorded: false,
      abandoned: false,
    };
    this.#running.set(task.executionId, running);
    this.#active += 1;
    state.set("lastTakenAt", startedAt);
    state.set("activeFlows", this.#active);
    if (this.#fresh.push(running) === 1) setImmediate(() => this.#announceLong());
    return running;
  }

  /** Most tasks end in the tick that took them; only the others are worth a message to the thread. */
  #announceLong(): void {
    const fresh = this.#fresh;
    this.#fresh = [];
    const long = fresh.filter(({ task }) => this.#running.has(task.executionId));
    if (long.length === 0) return;
    for (const running of long) running.announced = true;
    this.#options.took(
      long.map(({ task: { executionId, attempt, ackSubject } }) => ({ executionId, attempt, ackSubject })),
    );
  }

  #run(running: RunningTask, body: ExecuteMessage, flow: PreparedFlow): void {
    const { bus, engine, workerId } = this.#options;
    const { executionId, lane, attempt } = running.task;
    const { flowId } = running;
    publishFlowEvent(bus, executionId, "started", { flowId, workerId, attempt });
    const run: FlowRun = {
      executionId,
      flowId,
      lane,
      attempt,
      inputs: body.inputs,
      signal: running.abort.signal,
      isUncertain: running.task.isUncertain,
      onEvent: (kind, fields) => publishFlowEvent(bus, executionId, kind, { flowId, workerId, ...fields }),
    };
    const outcome = engine.run(flow, run);
    if (outcome instanceof Promise) void outcome.then((ended) => this.#ended(running, ended));
    else this.#ended(running, outcome);
  }

  #ended(running: RunningTask, outcome: RunOutcome): void {
    if (running.abandoned && outcome.status !== "completed") return;
    if (outcome.status === "failed") this.#failed(running, outcome.error);
    else this.#commit(running, outcome);
  }

  #failed(running: RunningTask, error: ErrorInfo): void {
    this.#vacate(running, "failed");
    this.#report(running, "failed", error);
  }

  #commit(running: RunningTask, outcome: Exclude<RunOutcome, { status: "failed" }>): void {
    const { bus } = this.#options;
    const result = this.#resultOf(running, outcome);
    const bytes = outcome.status === "completed" ? outputBytes(result) : 0;
    if (bytes + RESULT_OVERHEAD_BYTES > bus.maxPayloadBytes) {
      const message = `the output has ${bytes} bytes, more than the server's max_payload of ${bus.maxPayloadBytes}`;
      this.#failed(running, { code: "OUTPUT_TOO_LARGE", message, retryable: false });
      return;
    }
    this.#vacate(running, "completed");
    if (running.recorded) {
      this.#report(running, "fenced");
      return;
    }
    const stored = (answer: StoreOutcome | Error) =>
      this.#stored(running, outcome.status, result, answer);
    // A task that took its time or was tried before may have been given to another meanwhile.
    const isContested = running.task.attempt > 1 || result.durationMs > CONTESTED_AFTER_MS;
    if (isContested) storeResultOnce(bus, result).then(stored, stored);
    else storeResult(bus, result, stored);
  }

  #stored(
    running: RunningTask,
    status: "completed" | "cancelled",
    result: ExecutionResult,
    stored: StoreOutcome | Error,
  ): void {
    const { bus, state, workerId } = this.#options;
    const { executionId, ackSubject } = running.task;
    if (stored instanceof Error) {
      const error = { code: "RESULT_REFUSED", message: stored.message, retryable: false };
      this.#report(running, "failed", error);
      return;
    }
    if (stored === "fenced") {
      this.#report(running, "fenced");
      return;
    }
    // Reported first, which only plans the report: it then shares its write with the ack.
    this.#report(running, status);
    ack(bus.nc, ackSubject);
    state.set("lastAckAt", Date.now());
    const { flowId, durationMs, queueWaitMs } = result;
    publishFlowEvent(bus, executionId, status, { flowId, workerId, durationMs, queueWaitMs });
  }

  /** The slot is free as soon as the flow has run: storing its result needs no slot. */
  #vacate(running: RunningTask, ended: "completed" | "failed"): void {
    const { state } = this.#options;
    this.#active -= 1;
    state.set("activeFlows", this.#active);
    state.add(ended, 1);
    state.add("totalRunMs", Date.now() - running.startedAt);
  }

  #report(running: RunningTask, status: TaskOutcome["status"], error?: ErrorInfo): void {
    const { executionId, attempt } = running.task;
    this.#running.delete(executionId);
    if (running.announced) this.#options.dropped(executionId);
    const startedAt = new Date(running.startedAt).toISOString();
    this.#options.done({ executionId, attempt, status, startedAt, ...(error ? { error } : {}) });
    if (this.#running.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }

  #resultOf(
    running: RunningTask,
    outcome: Exclude<RunOutcome, { status: "failed" }>,
  ): ExecutionResult {
    const { task, flowId, startedAt } = running;
    const finishedAt = Date.now();
    return {
      executionId: task.executionId,
      flowId,
      status: outcome.status,
      ...(outcome.status === "completed" ? { output: outcome.output } : { error: outcome.error }),
      attempts: task.attempt,
      workerId: this.#options.workerId,
      queuedAt: new Date(task.queuedAt).toISOString(),
      startedAt: new Date(startedAt).toISOString(),
      finishedAt: new Date(finishedAt).toISOString(),
      queueWaitMs: Math.max(0, startedAt - task.queuedAt),
      durationMs: finishedAt - startedAt,
      lane: task.lane,
    };
  }
}

/** The orchestrator has checked the message; this is for a task that came from elsewhere. */
function readBody(data: Uint8Array): ExecuteMessage | undefined {
  try {
    const body: unknown = JSON.parse(Buffer.from(data.buffer, data.byteOffset, data.length).toString("utf8"));
    return typeof body === "object" && body !== null ? (body as ExecuteMessage) : undefined;
  } catch {
    return undefined;
  }
}

function notAFlow(prepared: Prepared): ErrorInfo {
  if (prepared.type === "invalid") return prepared.error;
  return { code: "INVALID", message: "the task is not a flow message", retryable: false };
}

/** A cheap upper bound first: most outputs are far too small to be worth serialising twice. */
function outputBytes(result: ExecutionResult): number {
  const { output } = result;
  if (output === null || output === undefined || typeof output === "number" || typeof output === "boolean") return 8;
  return Buffer.byteLength(JSON.stringify(output));
}
