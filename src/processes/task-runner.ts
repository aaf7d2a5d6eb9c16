import { ack } from "../bus/ack.ts";
import type { Bus } from "../bus/connect.ts";
import { ResultRefusedError, type StoreOutcome } from "../bus/results.ts";
import type { ReceivedTask } from "../bus/worker-link.ts";
import type { ErrorInfo } from "../domain/errors.ts";
import { isoOf } from "../domain/instant.ts";
import type { Lane } from "../domain/lane.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { FlowEventKind } from "../messages/subjects.ts";
import type { HeldByWorker, TaskOutcome, TaskRefusal } from "../messages/worker.ts";
import { type Commit, Committer } from "./committer.ts";
import type { FlowEngine, FlowRun, PreparedFlow, ReadyFlow, RunOutcome } from "./flow-engine.ts";
import { type PulledTask, tellPulled } from "./pulled-task.ts";
import {
  type EndedRun,
  notAFlow,
  outputBytes,
  type RunningTask,
  readBody,
  reportable,
  terminalRecord,
} from "./running-task.ts";
import { TaskBook, type TaskBookOptions } from "./task-book.ts";

export interface TaskRunnerOptions extends TaskBookOptions {
  readonly bus: Bus;
  readonly engine: FlowEngine;
  readonly workerId: string;
  readonly slots: number;
  readonly done: (outcome: TaskOutcome) => void;
  /** The result stream has no room for a record; it is tried again until it has. */
  readonly full: (detail: string) => void;
}

type ReportedStatus = Exclude<TaskOutcome["status"], "returned">;

/** Room for headers and protocol beside a result. */
const RESULT_OVERHEAD_BYTES = 1_024;

/**
 * Runs tasks up to the slots of this worker and commits what comes out: terminal record by
 * compare-and-set, then ack, then the report. A record that was there already means that this
 * attempt lost the race; it is dropped without ack, nak or term.
 */
export class TaskRunner {
  readonly #options: TaskRunnerOptions;
  readonly #book: TaskBook;
  readonly #committer: Committer;
  #draining = false;
  #idle: (() => void)[] = [];

  constructor(options: TaskRunnerOptions) {
    this.#options = options;
    this.#book = new TaskBook(options);
    const settle = (commit: Commit, answer: StoreOutcome | Error) => this.#settle(commit, answer);
    this.#committer = new Committer(options.bus, settle, options.full);
  }

  get draining(): boolean {
    return this.#draining;
  }

  /** How many more tasks are taken now. */
  free(): number {
    return this.#draining ? 0 : Math.max(0, this.#options.slots - this.#book.active);
  }

  /** Tasks that have run and whose results are being stored. */
  get committing(): number {
    return this.#book.committing;
  }

  /** Starts the task and returns undefined, or says why not. */
  take(task: ReceivedTask): TaskRefusal | undefined {
    if (this.#draining) return { refused: "draining", free: 0 };
    if (this.free() === 0 || this.#book.has(task.executionId)) {
      return { refused: "busy", free: this.free() };
    }
    const body = readBody(task.data);
    const prepared = this.#options.engine.prepare(body?.flowData);
    if (prepared.type === "unsupported") return { refused: "unsupported", free: this.free() };
    if (prepared.type === "ready" && body !== undefined) this.#start(task, body, prepared);
    else this.#failed(this.#book.open(task, body?.flowId ?? "unknown"), notAFlow(prepared));
    return undefined;
  }

  /**
   * Starts a task that came from the server itself, or returns false: then an orchestrator has to
   * see to it. One with effects and an id of its own may have ended long ago: that is to be looked up.
   */
  takePulled({ task, body }: PulledTask): boolean {
    if (this.free() === 0 || this.#book.has(task.executionId)) return false;
    const prepared = this.#options.engine.prepare(body.flowData);
    if (prepared.type !== "ready") return false;
    if (!prepared.pure && body.executionId !== undefined) return false;
    tellPulled(this.#options.bus, { task, body }, this.#options.workerId);
    this.#start(task, body, prepared);
    return true;
  }

  #start(task: ReceivedTask, body: ExecuteMessage, prepared: ReadyFlow): void {
    const running = this.#book.open(task, body.flowId);
    if (prepared.mayBlock) this.#book.announce([running]);
    this.#run(running, body, prepared.flow);
  }

  /**
   * Aborts a task; its nodes see the signal. With `recorded` its terminal record is stored already.
   * False if it is not running here.
   */
  cancel(executionId: string, reason: string, recorded = false): boolean {
    const running = this.#book.find(executionId);
    if (running === undefined) return false;
    running.recorded = recorded;
    this.#options.actors.tell(executionId, { type: "cancelled", reason });
    running.abort.abort(new Error(reason));
    return true;
  }

  /** Starts no further node of a task, or goes on; what is not running here is left alone. */
  pause(executionId: string, paused: boolean, revision: number): void {
    const running = this.#book.find(executionId);
    running?.pause.set(paused, revision);
    if (running?.pause.paused === paused)
      this.#options.actors.tell(executionId, { type: paused ? "paused" : "resumed" });
  }

  /** Takes nothing more and resolves once nothing is running or waiting to be committed. */
  drain(): Promise<void> {
    this.#draining = true;
    this.#options.state.set("draining", 1);
    if (this.#book.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Ids of the tasks that are still held. */
  held(): string[] {
    return this.#book.ids();
  }

  /** Aborts what is still running, without an outcome: its messages will be delivered again. */
  abandon(reason: string): string[] {
    for (const running of this.#book.tasks()) {
      running.abandoned = true;
      this.#options.actors.ended(running.task.executionId, { type: "abandoned", reason });
      running.abort.abort(new Error(reason));
    }
    const left = this.held();
    this.#book.clear();
    return left;
  }

  /** The tasks of a lane that are held. */
  heldOf(lane: Lane): HeldByWorker[] {
    return this.#book.ofLane(lane);
  }

  /** Shows what is running to people who watch, now or later. */
  showRunning(): void {
    this.#book.show();
  }

  #run(running: RunningTask, body: ExecuteMessage, flow: PreparedFlow): void {
    const { bus, engine, workerId } = this.#options;
    const { executionId, lane, attempt } = running.task;
    const { flowId } = running;
    bus.events.offer(executionId, "started", { flowId, workerId, attempt });
    const run: FlowRun = {
      executionId,
      flowId,
      lane,
      attempt,
      inputs: body.inputs,
      maxAttempts: body.maxAttempts,
      deadline: body.deadline,
      abort: running.abort,
      pause: running.pause,
      isUncertain: running.task.isUncertain,
      onEvent: (kind, fields) => this.#tell(running, kind, { flowId, workerId, ...fields }),
    };
    const outcome = engine.run(flow, run);
    if (outcome instanceof Promise) void outcome.then((ended) => this.#ended(running, ended));
    else this.#ended(running, outcome);
  }

  /** An execution that takes its time may be followed by somebody who came after its start. */
  #tell(running: RunningTask, kind: FlowEventKind, fields: object): void {
    const { events } = this.#options.bus;
    if (kind === "node") this.#options.actors.tell(running.task.executionId, nodeEvent(fields));
    if (running.announced) events.publish(running.task.executionId, kind, fields);
    else events.offer(running.task.executionId, kind, fields);
  }

  #ended(running: RunningTask, outcome: RunOutcome): void {
    if (running.abandoned && outcome.status !== "completed") return;
    if (outcome.status === "failed") this.#failed(running, outcome.error);
    else if (outcome.status === "returned") this.#giveBack(running, outcome.reason);
    else this.#commit(running, outcome);
  }

  #giveBack(running: RunningTask, reason: string): void {
    const { executionId, attempt } = running.task;
    this.#book.vacate();
    this.#book.forget(running, { type: "abandoned", reason });
    this.#options.done({ executionId, attempt, status: "returned" });
    this.#tellIdle();
  }

  #failed(running: RunningTask, error: ErrorInfo): void {
    this.#vacate(running, "failed");
    this.#report(running, "failed", reportable(error));
  }

  #commit(running: RunningTask, outcome: EndedRun): void {
    const { bus, workerId } = this.#options;
    const result = terminalRecord(running, outcome, workerId, Date.now());
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
    this.#committer.store({ running, status: outcome.status, result });
  }

  #settle({ running, status, result }: Commit, answer: StoreOutcome | Error): void {
    const { bus, state, workerId } = this.#options;
    if (answer instanceof ResultRefusedError) {
      const error = { code: "RESULT_REFUSED", message: answer.message, retryable: false };
      this.#report(running, "failed", error);
      return;
    }
    // Fenced, or it could not be stored for want of the bus: the orchestrator looks which.
    if (answer !== "stored") {
      this.#report(running, "fenced");
      return;
    }
    // Reported first, which only plans the report: it then shares its write with the ack.
    this.#report(running, status);
    ack(bus, running.task.ackSubject);
    state.set("lastAckAt", Date.now());
    const { flowId, durationMs, queueWaitMs } = result;
    this.#tell(running, status, { flowId, workerId, durationMs, queueWaitMs });
  }

  /** The slot is free as soon as the flow has run: storing its result needs no slot. */
  #vacate(running: RunningTask, ended: "completed" | "failed"): void {
    const { state } = this.#options;
    this.#book.vacate();
    this.#options.actors.tell(running.task.executionId, { type: "committing", status: ended });
    state.add(ended, 1);
    state.add("totalRunMs", Date.now() - running.startedAt);
  }

  #report(running: RunningTask, status: ReportedStatus, error?: ErrorInfo): void {
    const { executionId, attempt } = running.task;
    this.#book.forget(running, { type: "ended", status });
    const failure = error === undefined ? {} : { startedAt: isoOf(running.startedAt), error };
    this.#options.done({ executionId, attempt, status, ...failure });
    this.#tellIdle();
  }

  #tellIdle(): void {
    if (this.#book.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}

function nodeEvent(fields: { readonly nodeId?: unknown; readonly status?: unknown }) {
  const { nodeId, status } = fields;
  return { type: "node", nodeId: String(nodeId), status: String(status) } as const;
}
