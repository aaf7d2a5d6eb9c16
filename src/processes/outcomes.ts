import { setTimeout as pause } from "node:timers/promises";
import { ack, extend, nak } from "../bus/ack.ts";
import {
  type Assignment,
  type Assignments,
  isForwarded,
  type Task,
  WORKER_LEFT,
  WORKER_LOST,
} from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import { findResult } from "../bus/results.ts";
import type { ErrorInfo } from "../domain/errors.ts";
import { redistributionOrder } from "../domain/redistribution.ts";
import {
  decideNext,
  type FailedAttempt,
  type RetryDecision,
  type RetryPolicy,
} from "../domain/retry.ts";
import type { DecisionSink } from "../messages/decision.ts";
import type { AttemptRecord, ExecutionResult } from "../messages/result.ts";
import type { DoneMessage, TaskOutcome } from "../messages/worker.ts";
import { giveUp, settleEnded } from "./give-up.ts";
import { isRefusedForRoom } from "./refusals.ts";
import { placeOf } from "./task-facts.ts";
import { wholeTask } from "./whole-task.ts";

export interface OutcomesOptions {
  readonly bus: Bus;
  readonly assignments: Assignments;
  readonly executions: ExecutionStore;
  readonly retry: RetryPolicy;
  readonly now: () => number;
  readonly random: () => number;
  readonly decisions: DecisionSink;
  readonly fault: (error: unknown, executionId: string) => void;
  /** An execution has its terminal record. */
  readonly ended: (executionId: string) => void;
}

/** How a worker was lost. Only a death is evidence against the tasks that it held. */
export interface Loss {
  readonly reason: string;
  readonly isDeath: boolean;
}

/** Each needs an answer of the bus or two: all those of a large worker at once would crowd out the rest. */
const MOVED_AT_ONCE = 32;
const FULL_RETRY_MS = 1_000;
/** Offered again at once, the same worker might be chosen, which is about to leave. */
const RETURNED_RETRY_MS = 100;

/** What follows from a worker's reports, and from a worker's death. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  #completed = 0;
  #failed = 0;
  readonly #waitingForRoom = new Set<string>();

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Executions completed and attempts failed since the start, as reported. */
  get counts(): { readonly completed: number; readonly failed: number } {
    return { completed: this.#completed, failed: this.#failed };
  }

  /** Failed executions that cannot be ended yet, since a stream has no room for their outcome. */
  get waitingForRoom(): number {
    return this.#waitingForRoom.size;
  }

  /** Settles what a worker reports. Reports of attempts that are not assigned (any more) are dropped. */
  receive(done: DoneMessage): void {
    for (const outcome of done.outcomes) {
      const { assignments } = this.#options;
      // The same attempt number may be under way on two workers; only its holder settles it.
      if (assignments.find(outcome.executionId)?.workerId !== done.workerId) continue;
      const assignment = assignments.settle(outcome.executionId, outcome.attempt);
      if (assignment !== undefined) this.#settle(assignment, outcome);
    }
  }

  #settle(assignment: Assignment, outcome: TaskOutcome): void {
    if (outcome.status === "completed") {
      this.#completed += 1;
      this.#options.ended(outcome.executionId);
      return;
    }
    if (outcome.status === "failed") {
      this.#failed += 1;
      const error = outcome.error ?? {
        code: "INTERNAL",
        message: "no error was reported",
        retryable: true,
      };
      void this.#guard(
        assignment,
        this.#failedAttempt(assignment, error as ErrorInfo, outcome.startedAt),
      );
      return;
    }
    if (outcome.status === "returned") this.#returned(assignment);
    else void this.#guard(assignment, this.#fenced(assignment));
  }

  /** It never began: back into its lane for a moment, and no attempt is counted. */
  #returned({ workerId, task }: Assignment): void {
    const { bus } = this.#options;
    const { executionId, flowId, message } = task;
    const reason = `worker ${workerId} could not begin it`;
    bus.events.publish(executionId, "redistributed", { flowId, workerId, reason });
    nak(bus, message.ackSubject, RETURNED_RETRY_MS);
  }

  /**
   * A worker says by its beats that it does not hold a task that it was given long ago: the report
   * was lost, or the task was. The terminal record tells which.
   */
  notHeld(workerId: string, executionIds: readonly string[]): void {
    for (const executionId of executionIds) {
      const held = this.#options.assignments.find(executionId);
      if (held?.workerId !== workerId) continue;
      const assignment = this.#options.assignments.settle(executionId, held.task.attempt);
      if (assignment !== undefined) void this.#guard(assignment, this.#missing(assignment));
    }
  }

  async #missing(assignment: Assignment): Promise<void> {
    const ended = await findResult(this.#options.bus, assignment.task.executionId);
    const loss = { reason: "it no longer holds the task", isDeath: false };
    if (ended === undefined) await this.#lostAttempt(assignment, loss);
    else await this.#settleEnded(assignment, ended);
  }

  /**
   * A worker is gone with the tasks it held. Each counts as an attempt, so that a task that kills
   * its workers is given up in the end; then it goes back to its lane at once, the most urgent first.
   */
  workerLost(workerId: string, loss: Loss): number {
    const held = this.#options.assignments.settleWorker(workerId);
    const lost = redistributionOrder(held);
    if (lost.length > 0) this.#recordMove(workerId, loss, held, lost);
    const queue = lost[Symbol.iterator]();
    for (let mover = 0; mover < MOVED_AT_ONCE; mover += 1) void this.#move(queue, loss);
    return lost.length;
  }

  #recordMove(
    workerId: string,
    { reason, isDeath }: Loss,
    held: readonly Assignment[],
    lost: readonly Assignment[],
  ): void {
    const tasks = held.map(({ task }) => {
      const { executionId, attempt, message } = task;
      const { lane, storedAt } = message;
      return { executionId, attempt, lane, storedAt };
    });
    this.#options.decisions.record({
      kind: "redistribute",
      about: { workerId },
      inputs: { tasks, isDeath, atOnce: MOVED_AT_ONCE },
      choice: { order: lost.map(({ task }) => task.executionId) },
      reasons: [reason],
    });
  }

  /** One of several that share a queue: each takes the next as soon as it has done with one. */
  async #move(queue: IterableIterator<Assignment>, loss: Loss): Promise<void> {
    for (const assignment of queue) {
      await this.#guard(assignment, this.#lostAttempt(assignment, loss));
    }
  }

  async #lostAttempt(assignment: Assignment, { reason, isDeath }: Loss): Promise<void> {
    const { bus } = this.#options;
    const { executionId, flowId } = assignment.task;
    const { workerId } = assignment;
    const message = `worker ${workerId} ${isDeath ? "died" : "was lost"}: ${reason}`;
    bus.events.publish(executionId, "redistributed", { flowId, workerId, reason });
    const code = isDeath ? WORKER_LOST : WORKER_LEFT;
    await this.#failedAttempt(assignment, { code, message, retryable: true, retryAfterMs: 0 });
  }

  async #failedAttempt(
    assignment: Assignment,
    error: ErrorInfo,
    startedAt?: string,
  ): Promise<void> {
    const { bus, executions, retry, now } = this.#options;
    const { workerId } = assignment;
    const known = await wholeTask(bus, assignment, retry.maxAttempts);
    if (known === undefined) return;
    const task = { ...known, history: await this.#earlier(assignment, known.history) };
    const at = new Date(now()).toISOString();
    const record: AttemptRecord = { attempt: task.attempt, workerId, error, at };
    const policy = { ...retry, maxAttempts: task.maxAttempts };
    const decision = this.#decide(task, record, policy);
    if (decision.type === "retry") {
      const retryAt = new Date(now() + decision.delayMs).toISOString();
      await executions.addAttempt(task.executionId, { ...record, retryAt }, placeOf(task));
      nak(bus, task.message.ackSubject, decision.delayMs);
      const { executionId, flowId, attempt } = task;
      const { delayMs, reason } = decision;
      bus.events.publish(executionId, "retrying", { flowId, attempt, delayMs, reason, error });
      return;
    }
    const { executionId, flowId, message, history } = task;
    const attempts = [...history, record];
    const reason = decision.because;
    const failure = { executionId, flowId, message, reason, error, attempts, workerId, startedAt };
    await this.#onceThereIsRoom(task, async () => {
      if ((await giveUp(bus, failure, at)) === "fenced") await this.#fenced(assignment);
    });
    this.#options.ended(executionId);
  }

  /**
   * Stores an outcome, holding on to its message for as long as a stream is full: given back, the
   * message would run once more for nothing.
   */
  async #onceThereIsRoom({ executionId, message }: Task, store: () => Promise<void>) {
    const { bus, fault } = this.#options;
    try {
      for (;;) {
        const refusal = await store().then(
          () => undefined,
          (error: unknown) => error,
        );
        if (refusal === undefined) return;
        if (!isRefusedForRoom(refusal) || bus.nc.isClosed()) throw refusal;
        fault(refusal, executionId);
        this.#waitingForRoom.add(executionId);
        extend(bus, message.ackSubject);
        await pause(FULL_RETRY_MS);
      }
    } finally {
      this.#waitingForRoom.delete(executionId);
    }
  }

  #decide(task: Task, record: AttemptRecord, policy: RetryPolicy): RetryDecision {
    const { executionId, message } = task;
    const { workerId } = record;
    const inputs = this.#failedAttemptOf(task, record, policy);
    const choice = decideNext(inputs);
    this.#options.decisions.record({
      kind: choice.type === "retry" ? "retry" : "deadletter",
      about: { executionId, lane: message.lane, ...(workerId === null ? {} : { workerId }) },
      inputs,
      choice,
      reasons: [choice.reason],
    });
    return choice;
  }

  #failedAttemptOf(task: Task, record: AttemptRecord, policy: RetryPolicy): FailedAttempt {
    const { now, random } = this.#options;
    const { attempt, deadline } = task;
    const error = record.error as ErrorInfo;
    if (error.code !== WORKER_LOST)
      return { cause: "error", error, attempt, policy, random: random(), now: now(), deadline };
    const deaths = [...task.history, record].filter((each) => each.error.code === WORKER_LOST);
    return { cause: "death", deaths, attempt, policy };
  }

  /** A task that was not assigned here comes without its earlier attempts: they are looked up. */
  async #earlier(
    assignment: Assignment,
    history: readonly AttemptRecord[],
  ): Promise<readonly AttemptRecord[]> {
    const { executionId, attempt } = assignment.task;
    if (isForwarded(assignment) || attempt === 1) return history;
    return (await this.#options.executions.read(executionId)).attempts;
  }

  /** There was a terminal record already. If it stands, the message is done with; if not, it runs again. */
  async #fenced(assignment: Assignment): Promise<void> {
    const { bus } = this.#options;
    const { executionId, message } = assignment.task;
    const ended = await findResult(bus, executionId);
    if (ended !== undefined) this.#options.ended(executionId);
    if (ended === undefined) nak(bus, message.ackSubject);
    else if (ended.status === "cancelled") ack(bus, message.ackSubject);
    else await this.#settleEnded(assignment, ended);
  }

  async #settleEnded(assignment: Assignment, ended: ExecutionResult): Promise<void> {
    const { bus, retry } = this.#options;
    const task = await wholeTask(bus, assignment, retry.maxAttempts);
    if (task !== undefined) await settleEnded(bus, task.message, ended);
  }

  /** With the bus in trouble nothing is acked: the message comes again after ack_wait. */
  async #guard(assignment: Assignment, work: Promise<void>): Promise<void> {
    await work.catch((error: unknown) => this.#options.fault(error, assignment.task.executionId));
  }
}
