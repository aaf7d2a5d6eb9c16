import { createInbox, type Msg, type NatsConnection, type Subscription } from "nats";
import { isoOf } from "../domain/instant.ts";
import type { BusNames, FlowEventKind } from "../messages/subjects.ts";
import type { Outbox } from "./outbox.ts";
import { isNoResponders } from "./request-mux.ts";

/** Below this many events in a window all are published: listening costs nobody anything then. */
const BUSY_EVENTS = 200;
const WINDOW_MS = 100;
/** How often, while busy, it is asked whether anybody listens; and how long an answer may take. */
const ASK_EVERY_MS = 250;
const ANSWER_MS = 50;

interface EventBus {
  readonly nc: NatsConnection;
  readonly outbox: Outbox;
  readonly names: BusNames;
}

interface Interest {
  askedAt: number;
  answered: boolean;
  nobodyListens: boolean;
}

/**
 * Publishes the live events of executions, `{executionId, kind, at, …fields}` on
 * `flows.event.<executionId>.<kind>`. Not stored: who listens sees them, and what is durable is in
 * the result, the journal and the dead letters.
 *
 * Five events for an execution that takes microseconds are a third of its cost. While a process
 * publishes more than 2,000 a second it therefore asks, four times a second and for each kind,
 * whether anybody listens: an event sent with a reply subject is answered by the server itself when
 * it has no subscriber. If nobody does, further events of that kind are left out, also for those who
 * follow one execution only. Those of executions that take their time or that fail are always
 * published (docs/adr/0003).
 */
export class FlowEvents {
  readonly #nc: NatsConnection;
  readonly #outbox: Outbox;
  readonly #names: BusNames;
  readonly #now: () => number;
  readonly #inbox = createInbox();
  readonly #interests = new Map<string, Interest>();
  #subscription: Subscription | undefined;
  #windowAt = 0;
  #inWindow = 0;
  #isBusy = false;

  constructor(bus: EventBus, now: () => number = Date.now) {
    this.#nc = bus.nc;
    this.#outbox = bus.outbox;
    this.#names = bus.names;
    this.#now = now;
  }

  /** Publishes an event, whether anybody listens or not. */
  publish(executionId: string, kind: FlowEventKind, fields: object): void {
    this.#send(executionId, kind, fields, undefined);
  }

  /** Publishes an event of a short execution, unless there are many and nobody listens. */
  offer(executionId: string, kind: FlowEventKind, fields: object): void {
    if (!this.#isBusyNow()) {
      this.#send(executionId, kind, fields, undefined);
      return;
    }
    const interest = this.#interestIn(kind);
    const now = this.#now();
    if (now - interest.askedAt >= ASK_EVERY_MS) {
      interest.askedAt = now;
      interest.answered = false;
      this.#listen();
      this.#send(executionId, kind, fields, `${this.#inbox}.${kind}`);
      return;
    }
    // Listeners do not answer, so silence means that there are some.
    if (!interest.answered && now - interest.askedAt > ANSWER_MS) interest.nobodyListens = false;
    if (!interest.nobodyListens) this.#send(executionId, kind, fields, undefined);
  }

  #send(executionId: string, kind: FlowEventKind, fields: object, reply: string | undefined): void {
    // Ids and kinds are plain tokens, so that only the fields have to be written with care.
    const head = `{"executionId":"${executionId}","kind":"${kind}","at":"${isoOf(this.#now())}"`;
    const rest = JSON.stringify(fields);
    const body = rest === "{}" ? `${head}}` : `${head},${rest.slice(1)}`;
    this.#outbox.publish(this.#names.event(executionId, kind), body, reply);
  }

  #isBusyNow(): boolean {
    const now = this.#now();
    if (now - this.#windowAt >= WINDOW_MS) {
      this.#isBusy = this.#inWindow > BUSY_EVENTS && now - this.#windowAt < 2 * WINDOW_MS;
      this.#windowAt = now;
      this.#inWindow = 0;
    }
    this.#inWindow += 1;
    return this.#isBusy;
  }

  #interestIn(kind: FlowEventKind): Interest {
    const known = this.#interests.get(kind);
    if (known !== undefined) return known;
    const fresh = { askedAt: 0, answered: false, nobodyListens: false };
    this.#interests.set(kind, fresh);
    return fresh;
  }

  #listen(): void {
    this.#subscription ??= this.#nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null && isNoResponders(msg)) this.#unheard(msg);
      },
    });
  }

  #unheard(msg: Msg): void {
    const interest = this.#interests.get(msg.subject.slice(this.#inbox.length + 1));
    if (interest === undefined) return;
    interest.answered = true;
    interest.nobodyListens = true;
  }
}
