import type { Msg, Subscription } from "nats";
import { InvalidInputError } from "../domain/errors.ts";
import { isWorkerId } from "../domain/ids.ts";
import type { RefusalReason } from "../domain/refusals.ts";
import type { MessageCodec } from "../messages/codec.ts";
import {
  type ByeMessage,
  byeMessage,
  type DoneMessage,
  doneMessage,
  type Heartbeat,
  heartbeatMessage,
  type RegisterMessage,
  type RegisterReply,
  registerMessage,
} from "../messages/worker.ts";
import type { Bus } from "./connect.ts";
import { lastBySubject } from "./results.ts";

export interface FleetEvents {
  readonly register: (registration: RegisterMessage) => Promise<RegisterReply>;
  readonly heartbeat: (beat: Heartbeat) => void;
  readonly done: (done: DoneMessage) => void;
  readonly bye: (bye: ByeMessage) => void;
  /** A message that was refused, and why; nothing else is done about it. */
  readonly refused: (refusal: RefusedMessage) => void;
}

/** A message of a worker that is not what it should be. */
export interface RefusedMessage {
  readonly reason: RefusalReason;
  readonly detail: string;
  readonly subject: string;
}

/** What each weighs at the most, with all of its lists full; larger ones are refused unread. */
const MAX_BYTES = {
  register: 512 * 1_024,
  heartbeat: 2 * 1_024 * 1_024,
  bye: 16 * 1_024,
  done: 4 * 1_024 * 1_024,
} as const;

/** How soon a worker asks again whose registration could not be stored. */
const UNSTORED_RETRY_MS = 1_000;

/** One handles each registration; every orchestrator hears everything else. */
const REGISTER_QUEUE = "orchestrators";

/** What workers send to orchestrators: read, checked, and passed on. */
export class FleetLink {
  readonly #bus: Bus;
  readonly #events: FleetEvents;
  #subscriptions: Subscription[] = [];

  constructor(bus: Bus, events: FleetEvents) {
    this.#bus = bus;
    this.#events = events;
  }

  /**
   * `dataBus` carries the outcomes, so that they never queue behind the beats of a large fleet, and the
   * goodbyes: over another connection one might come before the last outcomes of its worker.
   */
  start(dataBus: Bus): void {
    const { names } = this.#bus;
    this.#subscriptions = [
      this.#bus.nc.subscribe(names.register("*"), {
        queue: REGISTER_QUEUE,
        callback: (error, msg) => {
          if (error === null) void this.#register(msg);
        },
      }),
      this.#on(this.#bus, names.heartbeat("*"), HEARTBEAT, this.#events.heartbeat),
      this.#on(dataBus, names.bye("*"), BYE, this.#events.bye),
      this.#on(dataBus, names.done("*"), DONE, this.#events.done),
    ];
  }

  stop(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
  }

  /** The newest beat of a worker that the memory stream still holds; none after a server restart. */
  lastBeat(workerId: string): Promise<Heartbeat | undefined> {
    const { names, jsm } = this.#bus;
    return lastBySubject(jsm, names.streams.heartbeats, names.heartbeat(workerId));
  }

  #on<T extends { readonly workerId: string }>(
    bus: Bus,
    subject: string,
    kind: Kind<T>,
    handle: (message: T) => void,
  ): Subscription {
    return bus.nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error !== null) return;
        const message = this.#read(msg, kind);
        if (message !== undefined) handle(message);
      },
    });
  }

  async #register(msg: Msg): Promise<void> {
    const registration = this.#read(msg, REGISTER);
    if (registration === undefined) return;
    try {
      const reply = await this.#events.register(registration);
      msg.respond(JSON.stringify(reply));
    } catch (error) {
      // The bus is in trouble: that passes.
      const detail = `the registration could not be stored: ${(error as Error).message}`;
      this.#events.refused({ reason: "unstored", detail, subject: msg.subject });
      const reply = { ...refusal(detail), retryAfterMs: UNSTORED_RETRY_MS };
      if (!this.#bus.nc.isClosed()) msg.respond(JSON.stringify(reply));
    }
  }

  #read<T extends { readonly workerId: string }>(msg: Msg, kind: Kind<T>): T | undefined {
    const read = this.#check(msg, kind);
    if (!("reason" in read)) return read.message;
    this.#events.refused({ ...read, subject: msg.subject });
    if (msg.reply) msg.respond(JSON.stringify(refusal(read.detail)));
    return undefined;
  }

  #check<T extends { readonly workerId: string }>(
    msg: Msg,
    { codec, maxBytes }: Kind<T>,
  ): { readonly message: T } | Omit<RefusedMessage, "subject"> {
    const bytes = msg.data.length;
    if (bytes > maxBytes) {
      return {
        reason: "too_large",
        detail: `${codec.name}: ${bytes} bytes of ${maxBytes} at most`,
      };
    }
    try {
      const message = codec.decode(msg.data);
      const addressed = this.#bus.names.idToken(msg.subject);
      if (message.workerId === addressed && isWorkerId(addressed)) return { message };
      const detail = `workerId "${message.workerId}" does not match the subject`;
      return { reason: "wrong_subject", detail };
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      return { reason: "malformed", detail: error.message };
    }
  }
}

/** One kind of message and how large it may be. */
interface Kind<T> {
  readonly codec: MessageCodec<T>;
  readonly maxBytes: number;
}

const REGISTER = { codec: registerMessage, maxBytes: MAX_BYTES.register };
const HEARTBEAT = { codec: heartbeatMessage, maxBytes: MAX_BYTES.heartbeat };
const BYE = { codec: byeMessage, maxBytes: MAX_BYTES.bye };
const DONE = { codec: doneMessage, maxBytes: MAX_BYTES.done };

function refusal(reason: string): RegisterReply {
  return { accepted: false, reason, heartbeatIntervalMs: 2_000, config: {} };
}
