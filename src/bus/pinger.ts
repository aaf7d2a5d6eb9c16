import { createInbox, type Msg, type Subscription } from "nats";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";
import { bareMessage } from "./outbox.ts";
import { isNoResponders } from "./request-mux.ts";

/** What our workers answer; a worker of another make may answer anything. */
interface Pong {
  readonly incarnation?: string;
}

export interface PingEvents {
  /** The loop that takes tasks has answered. */
  readonly pong: (workerId: string, incarnation: string | undefined) => void;
  /** Nobody listens on its ping subject: its process or its connection is gone. */
  readonly unreachable: (workerId: string) => void;
}

const PING_MS = 1_000;
/** Of a large fleet so many are asked at a time: a thousand questions and answers at once pile up in memory. */
const AT_ONCE = 250;

/**
 * Asks every worker once a second whether it is there. The server itself answers for one that is
 * gone, within a millisecond; silence means nothing here, that is what beats are for. So no question
 * is remembered: where an answer arrives says whose it is.
 */
export class Pinger {
  readonly #bus: Bus;
  readonly #workerIds: () => Iterable<string>;
  readonly #events: PingEvents;
  readonly #inbox = createInbox();
  /** Written once for each worker, and forgotten now and then for those that have left. */
  readonly #questions = new Map<string, string>();
  #answers: Subscription | undefined;
  #rounds: NodeJS.Timeout | undefined;
  #parts: NodeJS.Timeout | undefined;

  constructor(bus: Bus, workerIds: () => Iterable<string>, events: PingEvents) {
    this.#bus = bus;
    this.#workerIds = workerIds;
    this.#events = events;
  }

  start(): void {
    this.#answers ??= this.#bus.nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#answered(msg);
      },
    });
    this.#rounds ??= setInterval(() => this.#round(), PING_MS);
  }

  stop(): void {
    clearInterval(this.#rounds);
    clearInterval(this.#parts);
    this.#rounds = undefined;
    this.#answers?.unsubscribe();
    this.#answers = undefined;
  }

  ping(workerId: string): void {
    const { names, outbox } = this.#bus;
    const known = this.#questions.get(workerId);
    const question = known ?? bareMessage(names.ping(workerId), `${this.#inbox}.${workerId}`);
    if (known === undefined) this.#questions.set(workerId, question);
    outbox.send(question);
  }

  #answered(msg: Msg): void {
    const workerId = msg.subject.slice(this.#inbox.length + 1);
    if (isNoResponders(msg)) this.#events.unreachable(workerId);
    else this.#events.pong(workerId, jsonOf<Pong>(msg)?.incarnation);
  }

  /** The parts of a round are spread over its second. */
  #round(): void {
    clearInterval(this.#parts);
    const waiting = [...this.#workerIds()];
    if (this.#questions.size > 2 * waiting.length + AT_ONCE) this.#questions.clear();
    const parts = Math.ceil(waiting.length / AT_ONCE);
    const askSome = () => {
      for (const workerId of waiting.splice(0, AT_ONCE)) this.ping(workerId);
      if (waiting.length === 0) clearInterval(this.#parts);
    };
    if (parts > 1) this.#parts = setInterval(askSome, PING_MS / parts);
    askSome();
  }
}
