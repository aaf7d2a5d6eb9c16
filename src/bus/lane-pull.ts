import { createInbox, type Msg, type Subscription } from "nats";
import type { Lane } from "../domain/lane.ts";
import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import { nak } from "./ack.ts";
import { parseAckSubject } from "./ack-subject.ts";
import type { Bus } from "./connect.ts";

/**
 * How one request for messages ended. `got` counts what came; "lost" means that no end was ever said.
 * `isEmpty`: the last message said that none is behind it.
 */
export interface PullEnd {
  readonly asked: number;
  readonly got: number;
  readonly isEmpty: boolean;
  /** Messages behind the last one; undefined when none came. */
  readonly pending: number | undefined;
  readonly outcome: "full" | "short" | "lost" | "unavailable";
}

/** A pull without waiting is answered within milliseconds; after this the answer is lost. */
const PULL_LOST_MS = 2_000;
const FAULT_RETRY_MS = 1_000;
const DOORBELL_MS = 5_000;
const DOORBELL_BEAT_MS = 1_000;

interface Outstanding {
  readonly token: string;
  readonly asked: number;
  readonly onEnd: (end: PullEnd) => void;
  readonly messages: Msg[];
  readonly timer: NodeJS.Timeout;
}

/**
 * One lane's consumer, pulled raw: the client offers no `no_wait`, and its iterators prefetch
 * messages that would be stranded here until ack_wait (research/nats.md 1.2). At most one request is
 * outstanding. JetStream gives no hint which request a message answers, so that is also what makes
 * counting possible. The messages of one request are passed on together, in one turn of the event
 * loop: the server sends them in dribs, and a write for each drib costs more than the rest of the
 * work on it.
 */
export class LanePull {
  readonly lane: Lane;
  readonly #bus: Bus;
  readonly #inbox = createInbox();
  readonly #subject: string;
  readonly #onMessage: (msg: Msg) => void;
  readonly #onFault: (error: unknown) => void;
  #subscription: Subscription | undefined;
  #outstanding: Outstanding | undefined;
  #count = 0;

  constructor(
    bus: Bus,
    lane: Lane,
    onMessage: (msg: Msg) => void,
    onFault: (error: unknown) => void,
  ) {
    this.#onFault = onFault;
    this.#bus = bus;
    this.lane = lane;
    this.#onMessage = onMessage;
    this.#subject = `$JS.API.CONSUMER.MSG.NEXT.${bus.names.streams.flows[lane]}.${DISPATCH_CONSUMER}`;
  }

  /** Messages that the outstanding request may bring; each of them needs a slot. */
  get reserved(): number {
    const outstanding = this.#outstanding;
    return outstanding === undefined ? 0 : outstanding.asked;
  }

  get idle(): boolean {
    return this.#outstanding === undefined;
  }

  start(): void {
    this.#subscription ??= this.#bus.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#receive(msg);
      },
    });
  }

  /** What has arrived and was not passed on goes back to the lane at once. */
  stop(): void {
    clearTimeout(this.#outstanding?.timer);
    for (const { reply } of this.#outstanding?.messages ?? []) {
      if (reply && !this.#bus.nc.isClosed()) nak(this.#bus, reply);
    }
    this.#outstanding = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
  }

  /** Asks for what is there now, up to `count`. */
  pull(count: number, onEnd: (end: PullEnd) => void): void {
    this.#ask(count, { batch: count, no_wait: true }, PULL_LOST_MS, onEnd);
  }

  /** Asks for the next message, whenever it comes; ends after 5 s at the latest. */
  ring(onEnd: (end: PullEnd) => void): void {
    const wait = { batch: 1, expires: DOORBELL_MS * 1e6, idle_heartbeat: DOORBELL_BEAT_MS * 1e6 };
    this.#ask(1, wait, 3 * DOORBELL_BEAT_MS, onEnd);
  }

  #ask(asked: number, body: object, patienceMs: number, onEnd: (end: PullEnd) => void): void {
    this.#count += 1;
    const token = String(this.#count);
    const timer = setTimeout(() => this.#end("lost"), patienceMs);
    this.#outstanding = { token, asked, messages: [], onEnd, timer };
    this.#bus.outbox.publish(this.#subject, JSON.stringify(body), `${this.#inbox}.${token}`);
  }

  #receive(msg: Msg): void {
    if (msg.subject.startsWith(this.#inbox)) {
      this.#status(msg);
      return;
    }
    const outstanding = this.#outstanding;
    if (outstanding === undefined) {
      this.#pass(msg);
      return;
    }
    outstanding.messages.push(msg);
    if (outstanding.messages.length >= outstanding.asked) this.#end("full");
  }

  /** One message that cannot be handled must not keep the others, or the lane, from going on. */
  #pass(msg: Msg): void {
    try {
      this.#onMessage(msg);
    } catch (error) {
      this.#onFault(error);
      if (msg.reply) nak(this.#bus, msg.reply, FAULT_RETRY_MS);
    }
  }

  #status(msg: Msg): void {
    const outstanding = this.#outstanding;
    const token = msg.subject.slice(this.#inbox.length + 1);
    if (outstanding === undefined || outstanding.token !== token) return;
    const code = msg.headers?.code ?? 0;
    if (code === 100) outstanding.timer.refresh();
    else this.#end(code === 404 || code === 408 ? "short" : "unavailable");
  }

  #end(outcome: PullEnd["outcome"]): void {
    const outstanding = this.#outstanding;
    if (outstanding === undefined) return;
    const { asked, messages, timer, onEnd } = outstanding;
    clearTimeout(timer);
    this.#outstanding = undefined;
    for (const msg of messages) this.#pass(msg);
    const pending = parseAckSubject(messages.at(-1)?.reply ?? "")?.pending;
    onEnd({ asked, got: messages.length, pending, isEmpty: pending === 0, outcome });
  }
}
