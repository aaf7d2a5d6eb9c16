import { createInbox, type Msg, type Subscription } from "nats";
import type { Lane } from "../domain/lane.ts";
import type { AttemptRecord } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { TaskRefusal } from "../messages/worker.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";
import type { LaneMessage, LanePlace } from "./intake.ts";
import { headerBlock, soundHeaders } from "./outbox.ts";
import { isNoResponders } from "./request-mux.ts";

/** What is known of every task in the books: enough to settle it. */
export interface HeldTask {
  readonly executionId: string;
  readonly flowId: string;
  readonly attempt: number;
  readonly message: LanePlace;
}

/** A task: one attempt of an execution, held by this orchestrator until it is settled. */
export interface Task extends HeldTask {
  readonly message: LaneMessage;
  readonly nodeTypes: readonly string[];
  readonly maxAttempts: number;
  /** Epoch milliseconds. */
  readonly deadline: number | undefined;
  readonly history: readonly AttemptRecord[];
}

export interface Assignment {
  /** Only a `HeldTask` where the server delivered the message straight to the worker. */
  readonly task: HeldTask | Task;
  readonly workerId: string;
  readonly assignedAt: number;
}

/** A task that this orchestrator has forwarded itself. */
export interface ForwardedTask extends Assignment {
  readonly task: Task;
}

export function isForwarded(assignment: Assignment): assignment is ForwardedTask {
  return "history" in assignment.task;
}

export interface Recipient {
  readonly workerId: string;
  readonly incarnation: string;
}

export interface AssignmentEvents {
  /** The worker did not take the task; it is no longer assigned. */
  readonly refused: (assignment: ForwardedTask, refusal: TaskRefusal) => void;
  /** Nobody listens for this worker: its process or its connection is gone. The task is no longer assigned. */
  readonly gone: (assignment: ForwardedTask) => void;
}

/** The tasks that this orchestrator has given to workers and that are not settled. */
export class Assignments {
  readonly #bus: Bus;
  readonly #events: AssignmentEvents;
  readonly #inbox = createInbox();
  readonly #byExecution = new Map<string, Assignment>();
  readonly #byWorker = new Map<string, Map<string, Assignment>>();
  #subscription: Subscription | undefined;

  constructor(bus: Bus, events: AssignmentEvents) {
    this.#bus = bus;
    this.#events = events;
  }

  start(): void {
    this.#subscription ??= this.#bus.nc.subscribe(`${this.#inbox}.*.*`, {
      callback: (error, msg) => {
        if (error === null) this.#answered(msg);
      },
    });
  }

  stop(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  get size(): number {
    return this.#byExecution.size;
  }

  /** Everything in the books. */
  all(): Assignment[] {
    return [...this.#byExecution.values()];
  }

  inFlightOf(workerId: string): number {
    return this.#byWorker.get(workerId)?.size ?? 0;
  }

  ofWorker(workerId: string): Assignment[] {
    return [...(this.#byWorker.get(workerId)?.values() ?? [])];
  }

  /** Executions that a worker was given before an instant and that are not settled. */
  assignedBefore(workerId: string, before: number): string[] {
    return this.ofWorker(workerId)
      .filter(({ assignedAt }) => assignedAt < before)
      .map(({ task }) => task.executionId);
  }

  find(executionId: string): Assignment | undefined {
    return this.#byExecution.get(executionId);
  }

  /**
   * Hands a task to a worker: the message unchanged, with the ack subject as a header (the server
   * forbids it as reply). Silence is acceptance.
   */
  forward(task: Task, worker: Recipient, decision: string, now: number): void {
    const { workerId } = worker;
    // Sent before it is booked: what cannot be sent must not hold a slot.
    this.#bus.outbox.publish(
      this.#bus.names.task(workerId),
      task.message.data,
      `${this.#inbox}.${task.executionId}.${task.attempt}`,
      taskHeaders(task, worker.incarnation, decision),
    );
    this.#book({ task, workerId, assignedAt: now });
  }

  /**
   * Books a task that a worker has taken by itself. False when the execution is in the books already:
   * a duplicate, which the compare-and-set of the terminal record ends.
   */
  noteTaken(task: HeldTask, workerId: string, now: number): boolean {
    if (this.#byExecution.has(task.executionId)) return false;
    this.#book({ task, workerId, assignedAt: now });
    return true;
  }

  /** Stream sequences of the messages of a lane that are in the books. */
  sequencesOf(lane: Lane): number[] {
    return [...this.#byExecution.values()].flatMap(({ task: { message } }) =>
      message.lane === lane ? message.sequence : [],
    );
  }

  /** Takes the task out of the books. Undefined for an attempt that is not assigned (any more). */
  settle(executionId: string, attempt: number): Assignment | undefined {
    const assignment = this.#byExecution.get(executionId);
    if (assignment === undefined || assignment.task.attempt !== attempt) return undefined;
    this.#byExecution.delete(executionId);
    this.#byWorker.get(assignment.workerId)?.delete(executionId);
    return assignment;
  }

  /** Everything a worker holds, taken out of the books. */
  settleWorker(workerId: string): Assignment[] {
    const held = this.ofWorker(workerId);
    for (const { task } of held) this.settle(task.executionId, task.attempt);
    this.#byWorker.delete(workerId);
    return held;
  }

  #book(assignment: Assignment): void {
    const { workerId, task } = assignment;
    this.#byExecution.set(task.executionId, assignment);
    const held = this.#byWorker.get(workerId);
    if (held === undefined) this.#byWorker.set(workerId, new Map([[task.executionId, assignment]]));
    else held.set(task.executionId, assignment);
  }

  #answered(msg: Msg): void {
    const [executionId = "", attempt] = msg.subject.slice(this.#inbox.length + 1).split(".");
    const assignment = this.settle(executionId, Number(attempt));
    if (assignment === undefined || !isForwarded(assignment)) return;
    if (isNoResponders(msg)) this.#events.gone(assignment);
    else this.#events.refused(assignment, jsonOf<TaskRefusal>(msg) ?? { refused: "busy", free: 0 });
  }
}

/** Error codes of attempts that ended without a word from their worker. */
export const WORKER_LOST = "WORKER_LOST";
export const WORKER_LEFT = "WORKER_LEFT";
export const ACK_WAIT_OVER = "ACK_WAIT_OVER";
const UNREPORTED: ReadonlySet<string> = new Set([WORKER_LOST, WORKER_LEFT, ACK_WAIT_OVER]);

/** The publisher's own headers travel along (traceparent among them), except those for the server. */
function taskHeaders(task: Task, incarnation: string, decision: string): string {
  const { message } = task;
  const lines: [string, string][] = [
    [HEADERS.ack, message.ackSubject],
    [HEADERS.execution, task.executionId],
    [HEADERS.lane, message.lane],
    [HEADERS.attempt, String(task.attempt)],
    [HEADERS.decision, decision],
    [HEADERS.incarnation, incarnation],
    [HEADERS.queuedAt, String(message.storedAt)],
  ];
  if (task.history.some(({ error }) => UNREPORTED.has(error.code))) {
    lines.push([HEADERS.uncertain, "true"]);
  }
  for (const line of soundHeaders(message.headers ?? [])) {
    if (!/^(nats|batuta)-/i.test(line[0])) lines.push([line[0], line[1]]);
  }
  return headerBlock(lines);
}
