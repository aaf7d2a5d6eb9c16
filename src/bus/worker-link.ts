import type { Msg, MsgHdrs, Subscription } from "nats";
import { InvalidInputError } from "../domain/errors.ts";
import { isId } from "../domain/ids.ts";
import { isLane, type Lane } from "../domain/lane.ts";
import { HEADERS } from "../messages/subjects.ts";
import type {
  DoneMessage,
  DrainNotice,
  HeldByWorker,
  PullReport,
  RegisterMessage,
  RegisterReply,
  TaskOutcome,
  TaskRefusal,
  WorkerControl,
} from "../messages/worker.ts";
import { workerControlMessage } from "../messages/worker.ts";
import { parseAckSubject } from "./ack-subject.ts";
import type { Bus } from "./connect.ts";

/** A task as it reaches a worker. */
export interface ReceivedTask {
  readonly executionId: string;
  readonly lane: Lane;
  readonly attempt: number;
  readonly ackSubject: string;
  /** When the execution was published, epoch milliseconds. */
  readonly queuedAt: number;
  /** An earlier attempt ended without a report: nobody knows which of its effects have happened. */
  readonly isUncertain: boolean;
  /** The incarnation that it is meant for; undefined when it does not say. */
  readonly incarnation: string | undefined;
  readonly data: Uint8Array;
}

export interface WorkerLinkEvents {
  /** Takes the task and returns undefined, or says why not. Must not throw. */
  readonly task: (task: ReceivedTask) => TaskRefusal | undefined;
  readonly control: (control: WorkerControl) => void;
  /** How many more tasks this worker takes now; 0 while it drains. */
  readonly free: () => number;
  /** Tasks that have run and whose results are being stored. */
  readonly committing: () => number;
  readonly draining: () => boolean;
  /** Why it drains; undefined while it does not. */
  readonly drain: () => DrainNotice | undefined;
  /** What has come of directed pulls since the last report. */
  readonly pulls: () => PullReport[];
  /** The tasks of a lane that this worker holds. */
  readonly held: (lane: Lane) => HeldByWorker[];
  readonly malformed: (subject: string, reason: string) => void;
}

const REGISTER_TIMEOUT_MS = 5_000;
/** With messages of errors cut to 2,000 characters this stays below any max_payload in use. */
const OUTCOMES_PER_MESSAGE = 100;
/** About 250 bytes each. */
const TOOK_PER_MESSAGE = 200;
/** At most 500 bytes each, within the server's default of 1 MB. */
const HELD_PER_MESSAGE = 1_500;

/** A worker's side of the worker protocol (contract B4), but for the beats, which have a thread of their own. */
export class WorkerLink {
  readonly #bus: Bus;
  readonly #workerId: string;
  readonly #events: WorkerLinkEvents;
  #incarnation: string;
  #subscriptions: Subscription[] = [];
  #outcomes: TaskOutcome[] = [];
  #flushPlanned = false;

  constructor(bus: Bus, workerId: string, incarnation: string, events: WorkerLinkEvents) {
    this.#bus = bus;
    this.#workerId = workerId;
    this.#incarnation = incarnation;
    this.#events = events;
  }

  /** Listens for tasks, commands and pings. Called before `register`, so that nothing sent in answer is missed. */
  listen(): void {
    const { nc, names } = this.#bus;
    const on = (subject: string, handle: (msg: Msg) => void) =>
      nc.subscribe(subject, {
        callback: (error, msg) => (error === null ? handle(msg) : undefined),
      });
    this.#subscriptions = [
      on(names.task(this.#workerId), (msg) => this.#task(msg)),
      on(names.workerControl(this.#workerId), (msg) => this.#control(msg)),
      on(names.ping(this.#workerId), (msg) => this.#pong(msg)),
    ];
  }

  /**
   * Asks to be admitted.
   *
   * @throws UnreachableError when no orchestrator listens.
   * @throws WaitTimeoutError when none answered within 5 s.
   */
  async register(registration: RegisterMessage): Promise<RegisterReply> {
    this.#incarnation = registration.incarnation;
    const subject = this.#bus.names.register(this.#workerId);
    const body = JSON.stringify(registration);
    const msg = await this.#bus.mux.request(subject, body, { timeoutMs: REGISTER_TIMEOUT_MS });
    return msg.json<RegisterReply>();
  }

  /** Reports an outcome; those of one tick travel together. */
  done(outcome: TaskOutcome): void {
    this.#outcomes.push(outcome);
    this.#planFlush();
  }

  /** Tells how many slots are free, and that this worker drains, without waiting for an outcome. */
  report(): void {
    this.#planFlush();
  }

  /** Says goodbye and sends all that is pending. After this the worker counts as offline. */
  async bye(reason: string, unfinished: number): Promise<void> {
    this.#flush();
    const [workerId, incarnation] = [this.#workerId, this.#incarnation];
    const body = { workerId, incarnation, reason, unfinished };
    this.#bus.outbox.publish(this.#bus.names.bye(this.#workerId), JSON.stringify(body));
    this.#bus.outbox.flush();
    await this.#bus.nc.flush();
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
  }

  /**
   * A microtask runs when everything that one read from the socket brought has been handled. Planned
   * before the first publish of that turn, the report leaves in the same write as the acks: a write
   * of its own costs more than all else about it.
   */
  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    this.#flushPlanned = false;
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    const pulls = inParts(this.#events.pulls());
    // What was taken is told before what came of it.
    for (const part of pulls.slice(0, -1)) this.#send([], [part]);
    const lastPulls = pulls.slice(-1);
    // At least one message, since the free slots are news as well.
    for (let from = 0; from === 0 || from < outcomes.length; from += OUTCOMES_PER_MESSAGE) {
      this.#send(outcomes.slice(from, from + OUTCOMES_PER_MESSAGE), from === 0 ? lastPulls : []);
    }
  }

  #send(outcomes: readonly TaskOutcome[], pulls: PullReport[]): void {
    const drain = this.#events.drain();
    const done: DoneMessage = {
      workerId: this.#workerId,
      incarnation: this.#incarnation,
      free: this.#events.free(),
      committing: this.#events.committing(),
      outcomes: [...outcomes],
      ...(pulls.length === 0 ? {} : { pulls }),
      ...(this.#events.draining() ? { draining: true } : {}),
      ...(drain === undefined ? {} : { drain }),
    };
    this.#bus.outbox.publish(this.#bus.names.done(this.#workerId), JSON.stringify(done));
  }

  #task(msg: Msg): void {
    const task = readTask(msg);
    // Another process has taken over this worker id: the task is for that one.
    if (task?.incarnation !== undefined && task.incarnation !== this.#incarnation) return;
    if (task === undefined) {
      this.#events.malformed(
        msg.subject,
        "Batuta-Ack, Batuta-Execution, Batuta-Lane or another header of the task is missing or wrong",
      );
      return;
    }
    const refusal = this.#events.task(task);
    if (refusal !== undefined && msg.reply) msg.respond(JSON.stringify(refusal));
  }

  #control(msg: Msg): void {
    try {
      const control = workerControlMessage.decode(msg.data);
      const held = control.action === "held" ? heldAnswer(this.#events.held(control.lane)) : {};
      this.#events.control(control);
      if (msg.reply) msg.respond(JSON.stringify({ ok: true, ...held }));
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      this.#events.malformed(msg.subject, error.message);
      if (msg.reply) msg.respond(JSON.stringify({ ok: false, reason: error.message }));
    }
  }

  /** Answered here, in the loop that takes tasks: that is what makes it a proof of life. */
  #pong(msg: Msg): void {
    const body = {
      workerId: this.#workerId,
      incarnation: this.#incarnation,
      free: this.#events.free(),
      draining: this.#events.draining(),
    };
    msg.respond(JSON.stringify(body));
  }
}

/** The sequences of all, and more about as many as fit into a message. */
function heldAnswer(tasks: readonly HeldByWorker[]) {
  const held = tasks.flatMap(({ ackSubject }) => parseAckSubject(ackSubject)?.streamSequence ?? []);
  return { held, tasks: tasks.slice(0, HELD_PER_MESSAGE) };
}

/** The same in reports that fit into a message; what ended, ends with the last part. */
function inParts(reports: readonly PullReport[]): PullReport[] {
  return reports.flatMap((report) => {
    if (report.took.length <= TOOK_PER_MESSAGE) return [report];
    const { by, lane, took } = report;
    const first = { by, lane, took: took.slice(0, TOOK_PER_MESSAGE), returned: 0 };
    return [first, ...inParts([{ ...report, took: took.slice(TOOK_PER_MESSAGE) }])];
  });
}

/** Undefined for a task that lacks something or has it wrong: its ids go into subjects. */
function readTask(msg: Msg): ReceivedTask | undefined {
  try {
    const head = msg.headers;
    return head === undefined ? undefined : taskOf(head, msg.data);
  } catch {
    // The client's decoder throws on headers that it does not take.
    return undefined;
  }
}

function taskOf(head: MsgHdrs, data: Uint8Array): ReceivedTask | undefined {
  const ackSubject = head.get(HEADERS.ack);
  const executionId = head.get(HEADERS.execution);
  const lane = head.get(HEADERS.lane);
  const attempt = Number(head.get(HEADERS.attempt) || 1);
  const queuedAt = Number(head.get(HEADERS.queuedAt) || Date.now());
  const isSound = Number.isSafeInteger(attempt) && attempt >= 1 && Number.isSafeInteger(queuedAt);
  if (!isSound || !isId(executionId) || !isLane(lane)) return undefined;
  if (parseAckSubject(ackSubject) === undefined || /\s/.test(ackSubject)) return undefined;
  return {
    executionId,
    lane,
    attempt,
    ackSubject,
    queuedAt,
    isUncertain: head.get(HEADERS.uncertain) === "true",
    incarnation: head.get(HEADERS.incarnation) || undefined,
    data,
  };
}
