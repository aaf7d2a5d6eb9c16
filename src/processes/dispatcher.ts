import { nak } from "../bus/ack.ts";
import type { ForwardedTask, Task } from "../bus/assignments.ts";
import type { LaneMessage } from "../bus/intake.ts";
import type { Problem } from "../domain/errors.ts";
import { executionIdOf } from "../domain/ids.ts";
import type { Lane } from "../domain/lane.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { AttemptRecord, DeadLetterReason } from "../messages/result.ts";
import type { TaskRefusal } from "../messages/worker.ts";
import { accept, summary } from "./accept.ts";
import type { DispatcherOptions, FlowNeeds } from "./dispatcher-options.ts";
import { refuseMessage, settleEnded } from "./give-up.ts";
import { Placer } from "./placer.ts";
import { recall } from "./recall.ts";
import {
  DUPLICATE_RETRY_MS,
  deadlineOf,
  dueTime,
  isSameMessage,
  REFUSAL_CODES,
} from "./task-facts.ts";

/** How soon a task is offered again that a worker did not take. */
const REFUSED_RETRY_MS = 100;
/** How soon a message is offered again whose handling failed for want of the bus. */
const FAULT_RETRY_MS = 1_000;

/**
 * From a lane message to a worker: reads it, weeds out what cannot or need not run, places it and
 * hands it over. Every path ends in an assignment, an ack behind a durable outcome, or a nak.
 */
export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #placer: Placer;
  readonly #pondering = new Set<LaneMessage>();

  constructor(options: DispatcherOptions) {
    this.#options = options;
    const refuse = ({ message, executionId, flowId }: Task, problems: readonly Problem[]) =>
      this.#refuse(message, executionId, flowId, "unsupported", problems);
    this.#placer = new Placer(options, refuse);
  }

  /** Tasks that no live worker can run. */
  get unplaceable(): number {
    return this.#placer.unplaceable;
  }

  /** Messages that are looked up before they are placed: each will need a slot in a moment. */
  get pondering(): number {
    return this.#pondering.size;
  }

  /** Stream sequences of those of a lane: they are in no book yet. */
  ponderedOf(lane: Lane): number[] {
    return [...this.#pondering].flatMap((message) =>
      message.lane === lane ? message.sequence : [],
    );
  }

  /** Handles a lane message. On the hot path, a first delivery of a valid flow, it never waits. */
  dispatch(message: LaneMessage): void {
    const accepted = accept(message, this.#options.maxPayloadBytes);
    if (accepted.type === "refused") {
      const { executionId, flowId, reason, problems } = accepted;
      const taken = this.#options.assignments.find(executionId) !== undefined;
      const id = taken ? executionIdOf(message.stream, message.sequence) : executionId;
      this.#refuse(message, id, flowId, reason, problems);
      return;
    }
    const { executionId, body } = accepted;
    const needs = this.#options.needsOf(body);
    if (needs.problems.length > 0) {
      this.#refuse(message, executionId, body.flowId, "invalid", needs.problems);
      return;
    }
    this.#admit(message, executionId, body, needs);
  }

  /** Offers a task to another worker, after one was gone. */
  offerAgain(assignment: ForwardedTask): void {
    this.#placer.place(assignment.task);
  }

  /** A worker did not take it. Offered again at once, the same one might be chosen and refuse again. */
  refusedBy(assignment: ForwardedTask, { refused }: TaskRefusal): void {
    if (refused !== "unsupported") {
      this.handBack(assignment);
      return;
    }
    const { workerId, task } = assignment;
    const reason = `worker ${workerId} does not support it`;
    this.#placer.postpone(task, reason, (delayMs) =>
      this.#options.placements.refused(task, workerId, reason, delayMs),
    );
  }

  /** Back into its lane for a moment; no attempt is counted. */
  handBack({ task }: ForwardedTask): void {
    nak(this.#options.bus, task.message.ackSubject, REFUSED_RETRY_MS);
  }

  #admit(message: LaneMessage, executionId: string, body: ExecuteMessage, needs: FlowNeeds): void {
    const { bus, now, pauses } = this.#options;
    if (message.deliveryCount === 1) this.#announce(message, executionId, body);
    const dueAt = dueTime(message, body);
    if (dueAt > now()) {
      nak(bus, message.ackSubject, dueAt - now());
      return;
    }
    const isOwnId = body.executionId !== undefined;
    const mayHaveEnded = this.#options.endedRecently(executionId) || (isOwnId && !needs.pure);
    if (message.deliveryCount > 1 || mayHaveEnded || pauses.has(executionId)) {
      this.#guard(executionId, message, this.#lookUp(message, executionId, body, needs));
      return;
    }
    this.#start(message, this.#task(message, executionId, body, needs));
  }

  /** The slow path, for what may have ended already, or has been tried before. */
  async #lookUp(
    message: LaneMessage,
    executionId: string,
    body: ExecuteMessage,
    needs: FlowNeeds,
  ): Promise<void> {
    const { bus, assignments, pauses } = this.#options;
    const recalled = await recall(message, executionId, this.#options);
    if (recalled.type === "early") return nak(bus, message.ackSubject, recalled.waitMs);
    if (recalled.type === "ended") {
      // Its worker's report was lost: the slot must not be.
      const held = assignments.find(executionId);
      if (held !== undefined) assignments.settle(executionId, held.task.attempt);
      pauses.ended(executionId);
      return settleEnded(bus, message, recalled.result);
    }
    const { attempts, isSilent } = recalled;
    const task = this.#task(message, executionId, body, needs);
    const last = attempts.at(-1);
    if (last !== undefined && attempts.length >= task.maxAttempts) {
      return this.#giveUpSilent(task, attempts, last);
    }
    if (isSilent && last !== undefined) this.#recordSilence(task, last);
    this.#start(message, { ...task, attempt: attempts.length + 1, history: attempts });
  }

  #recordSilence({ executionId, message, maxAttempts }: Task, last: AttemptRecord): void {
    const { attempt, workerId, error } = last;
    this.#options.decisions.record({
      kind: "retry",
      about: { executionId, lane: message.lane, ...(workerId === null ? {} : { workerId }) },
      inputs: { attempt, maxAttempts, error },
      choice: { type: "retry", delayMs: 0, reason: error.message },
      reasons: [error.message],
    });
  }

  /** Its workers fell silent as often as it may be tried. */
  async #giveUpSilent(task: Task, attempts: readonly AttemptRecord[], last: AttemptRecord) {
    const { bus, assignments, now } = this.#options;
    const { executionId, flowId, message } = task;
    const held = assignments.find(executionId);
    if (held !== undefined) assignments.settle(executionId, held.task.attempt);
    const { error, workerId } = last;
    const reason = "max_attempts";
    this.#options.decisions.record({
      kind: "deadletter",
      about: { executionId, lane: message.lane, ...(workerId === null ? {} : { workerId }) },
      inputs: { attempts, maxAttempts: task.maxAttempts },
      choice: { type: "give-up", because: reason },
      reasons: [`${attempts.length} of ${task.maxAttempts} attempts, the last with ${error.code}`],
    });
    const failure = { executionId, flowId, message, reason, error, attempts, workerId } as const;
    await refuseMessage(bus, failure, new Date(now()).toISOString());
  }

  #start(message: LaneMessage, task: Task): void {
    const { bus, assignments, now } = this.#options;
    const held = assignments.find(task.executionId);
    if (held !== undefined && !isSameMessage(held.task.message, message)) {
      nak(bus, message.ackSubject, DUPLICATE_RETRY_MS);
      return;
    }
    if (held !== undefined) assignments.settle(task.executionId, held.task.attempt);
    if (task.deadline !== undefined && task.deadline <= now()) {
      const detail = `the deadline ${new Date(task.deadline).toISOString()} is in the past`;
      const problems = [{ code: "E_DEADLINE", pointer: "/deadline", detail }];
      this.#refuse(message, task.executionId, task.flowId, "expired", problems);
      return;
    }
    this.#placer.place(task);
  }

  #announce(message: LaneMessage, executionId: string, body: ExecuteMessage): void {
    const { lane } = message;
    const differs = body.priority !== undefined && body.priority !== lane;
    this.#options.bus.events.offer(executionId, "accepted", {
      flowId: body.flowId,
      lane,
      ...(differs ? { ignoredPriority: body.priority } : {}),
    });
  }

  #refuse(
    message: LaneMessage,
    executionId: string,
    flowId: string | null,
    reason: DeadLetterReason,
    problems: readonly Problem[],
  ): void {
    const { bus, pauses, now } = this.#options;
    const error = {
      code: REFUSAL_CODES[reason] ?? "INVALID",
      message: summary(problems),
      retryable: false,
    };
    this.#options.decisions.record({
      kind: "deadletter",
      about: { executionId, lane: message.lane },
      inputs: { problems },
      choice: { type: "give-up", because: reason },
      reasons: [error.message],
    });
    const failure = {
      executionId,
      flowId,
      message,
      reason,
      error,
      problems,
      attempts: [],
      workerId: null,
    };
    const refused = refuseMessage(bus, failure, new Date(now()).toISOString());
    const ended = refused.then(() => pauses.ended(executionId));
    this.#guard(executionId, message, ended);
  }

  /** A fault of the bus hands the message back: it must neither be lost nor stop the lane. */
  #guard(executionId: string, message: LaneMessage, work: Promise<void>): void {
    this.#pondering.add(message);
    work
      .catch((error: unknown) => {
        this.#options.fault(error, executionId);
        nak(this.#options.bus, message.ackSubject, FAULT_RETRY_MS);
      })
      .finally(() => {
        this.#pondering.delete(message);
        this.#options.settled();
      });
  }

  #task(message: LaneMessage, executionId: string, body: ExecuteMessage, needs: FlowNeeds): Task {
    return {
      executionId,
      flowId: body.flowId,
      attempt: 1,
      message,
      nodeTypes: needs.nodeTypes,
      maxAttempts: body.maxAttempts ?? this.#options.maxAttempts,
      deadline: deadlineOf(message, body),
      history: [],
    };
  }
}
