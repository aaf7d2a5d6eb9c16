import type { Msg, Subscription } from "nats";
import { InvalidInputError } from "../domain/errors.ts";
import { isWorkerId } from "../domain/ids.ts";
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
  readonly refused: (subject: string, reason: string) => void;
}

/** What a beat or a report weighs at the most; larger ones are refused unread. */
const MAX_BYTES = 4 * 1_024 * 1_024;

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

  /** `dataBus` carries the outcomes, so that they never queue behind the beats of a large fleet. */
  start(dataBus: Bus): void {
    const { names } = this.#bus;
    this.#subscriptions = [
      this.#bus.nc.subscribe(names.register("*"), {
        queue: REGISTER_QUEUE,
        callback: (error, msg) => {
          if (error === null) void this.#register(msg);
        },
      }),
      this.#on(this.#bus, names.heartbeat("*"), heartbeatMessage, this.#events.heartbeat),
      this.#on(this.#bus, names.bye("*"), byeMessage, this.#events.bye),
      this.#on(dataBus, names.done("*"), doneMessage, this.#events.done),
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
    codec: MessageCodec<T>,
    handle: (message: T) => void,
  ): Subscription {
    return bus.nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error !== null) return;
        const message = this.#read(msg, codec);
        if (message !== undefined) handle(message);
      },
    });
  }

  async #register(msg: Msg): Promise<void> {
    const registration = this.#read(msg, registerMessage);
    if (registration === undefined) return;
    try {
      const reply = await this.#events.register(registration);
      msg.respond(JSON.stringify(reply));
    } catch (error) {
      // The worker asks again; the bus is in trouble, or its registration would have been answered.
      this.#events.refused(
        msg.subject,
        `the registration could not be stored: ${(error as Error).message}`,
      );
    }
  }

  #read<T extends { readonly workerId: string }>(msg: Msg, codec: MessageCodec<T>): T | undefined {
    const reason = (() => {
      if (msg.data.length > MAX_BYTES) return `${msg.data.length} bytes are more than ${MAX_BYTES}`;
      try {
        const message = codec.decode(msg.data);
        const addressed = this.#bus.names.idToken(msg.subject);
        if (message.workerId === addressed && isWorkerId(addressed)) return message;
        return `workerId "${message.workerId}" does not match the subject`;
      } catch (error) {
        if (error instanceof InvalidInputError) return error.message;
        throw error;
      }
    })();
    if (typeof reason !== "string") return reason;
    this.#events.refused(msg.subject, reason);
    if (msg.reply) msg.respond(JSON.stringify(refusal(reason)));
    return undefined;
  }
}

function refusal(reason: string): RegisterReply {
  return { accepted: false, reason, heartbeatIntervalMs: 2_000, config: {} };
}
