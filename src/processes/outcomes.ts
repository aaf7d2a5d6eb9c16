import { ack, nak } from "../bus/ack.ts";
import { type Assignment, type Assignments, WORKER_LOST } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import { findResult } from "../bus/results.ts";
import type { ErrorInfo } from "../domain/errors.ts";
import { decideRetry, type RetryPolicy } from "../domain/retry.ts";
import type { AttemptRecord, ExecutionResult } from "../messages/result.ts";
import type { DoneMessage, TaskOutcome } from "../messages/worker.ts";
import { giveUp, settleEnded } from "./give-up.ts";
import { placeOf } from "./task-facts.ts";
import { wholeTask } from "./whole-task.ts";

export interface OutcomesOptions {
  readonly bus: Bus;
  readonly assignments: Assignments;
  readonly executions: ExecutionStore;
  readonly retry: RetryPolicy;
  readonly now: () => number;
  readonly random: () => number;
  readonly fault: (error: unknown, executionId: string) => void;
  /** An execution has its terminal record. */
  readonly ended: (executionId: string) => void;
}

/** What follows from a worker's reports, and from a worker's death. */
export class Outcomes {
  readonly #options: OutcomesOptions;
  #completed = 0;
  #failed = 0;

  constructor(options: OutcomesOptions) {
    this.#options = options;
  }

  /** Executions completed and attempts failed since the start, as reported. */
  get counts(): { readonly completed: number; readonly failed: number } {
    return { completed: this.#completed, failed: this.#failed };
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
      this.#guard(
        assignment,
        this.#failedAttempt(assignment, error as ErrorInfo, outcome.startedAt),
      );
      return;
    }
    this.#guard(assignment, this.#fenced(assignment));
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
      if (assignment !== undefined) this.#guard(assignment, this.#missing(assignment));
    }
  }

  async #missing(assignment: Assignment): Promise<void> {
    const ended = await findResult(this.#options.bus, assignment.task.executionId);
    if (ended === undefined) await this.#lostAttempt(assignment, "it no longer holds the task");
    else await this.#settleEnded(assignment, ended);
  }

  /**
   * A worker is gone with the tasks it held. Each counts as an attempt, so that a task that kills
   * its workers is given up in the end; then it goes back to its lane at once.
   */
  workerLost(workerId: string, reason: string): number {
    const lost = this.#options.assignments.settleWorker(workerId);
    for (const assignment of lost) this.#guard(assignment, this.#lostAttempt(assignment, reason));
    return lost.length;
  }

  async #lostAttempt(assignment: Assignment, reason: string): Promise<void> {
    const { bus } = this.#options;
    const { executionId, flowId } = assignment.task;
    const message = `worker ${assignment.workerId} was lost: ${reason}`;
    bus.events.publish(executionId, "redistributed", {
      flowId,
      workerId: assignment.workerId,
      reason,
    });
    await this.#failedAttempt(assignment, {
      code: WORKER_LOST,
      message,
      retryable: true,
      retryAfterMs: 0,
    });
  }

  async #failedAttempt(
    assignment: Assignment,
    error: ErrorInfo,
    startedAt?: string,
  ): Promise<void> {
    const { bus, executions, retry, now, random } = this.#options;
    const { workerId } = assignment;
    const task = await wholeTask(bus, assignment, retry.maxAttempts);
    if (task === undefined) return;
    const at = new Date(now()).toISOString();
    const record: AttemptRecord = { attempt: task.attempt, workerId, error, at };
    const policy = { ...retry, maxAttempts: task.maxAttempts };
    const decision = decideRetry(error, task.attempt, policy, random(), now(), task.deadline);
    if (decision.type === "retry") {
      await executions.addAttempt(task.executionId, record, placeOf(task));
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
    if ((await giveUp(bus, failure, at)) === "fenced") await this.#fenced(assignment);
    this.#options.ended(executionId);
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
  #guard(assignment: Assignment, work: Promise<void>): void {
    work.catch((error: unknown) => this.#options.fault(error, assignment.task.executionId));
  }
}
