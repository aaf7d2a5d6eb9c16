import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { AmqpReplies } from "../../bus/amqp-replies.ts";
import type { Bus } from "../../bus/connect.ts";
import type { PubAck } from "../../bus/pub-ack.ts";
import { publishStored } from "../../bus/publish.ts";
import { findStoredResult } from "../../bus/results.ts";
import { InvalidInputError, LaneFullError, UnreachableError } from "../../domain/errors.ts";
import { executionIdOf } from "../../domain/ids.ts";
import {
  type AmqpDeadReason,
  type AmqpDelivery,
  type AmqpReply,
  type AmqpRequest,
  type Inbound,
  readFlow,
} from "../../messages/amqp-inbound.ts";
import type { AmqpNames } from "../../messages/amqp-names.ts";
import {
  type AmqpPublish,
  deadDelivery,
  flowReply,
  requestAnswer,
} from "../../messages/amqp-outbound.ts";

export interface IncomingOptions {
  readonly bus: Bus;
  readonly names: AmqpNames;
  readonly replies: AmqpReplies;
  /** Resolves when the broker has it; rejects when the bridge stops. */
  readonly publish: (message: AmqpPublish) => Promise<void>;
  /** NATS takes nothing for now, and why; undefined: it does again. */
  readonly held: (reason: string | undefined) => void;
  readonly counted: (what: AmqpDeadReason | "accepted" | "duplicate") => void;
  /** A delivery is dealt with, so long after it came. */
  readonly settled: (afterMs: number) => void;
}

/** What NATS takes with a message beside its body. */
const ROOM_FOR_HEADERS = 16_384;
const ATTEMPT_MS = 2_000;
const RETRY_MS = { first: 200, most: 5_000 } as const;

type Flow = Extract<Inbound, { type: "flow" }>;

/** Makes executions of what comes over AMQP: each is in its lane, or with the dead, before it is settled. */
export class Incoming {
  readonly #options: IncomingOptions;
  /** How many wait for NATS. */
  #holding = 0;

  constructor(options: IncomingOptions) {
    this.#options = options;
  }

  /** Resolves once it may be acknowledged. Waits for NATS for as long as the delivery is not lost. */
  async handle(delivery: AmqpDelivery, isLost: () => boolean): Promise<void> {
    const from = performance.now();
    await this.#handle(delivery, isLost);
    this.#options.settled(performance.now() - from);
  }

  async #handle(delivery: AmqpDelivery, isLost: () => boolean): Promise<void> {
    const maxBytes = this.#options.bus.maxPayloadBytes - ROOM_FOR_HEADERS;
    const read = readFlow(delivery, { now: Date.now(), maxBytes });
    if (read.type === "dead") return this.#dead(delivery, read);
    try {
      await this.#accept(read, isLost);
    } catch (error) {
      if (isLost()) return;
      // Whatever is tried, this message will not be taken.
      const reason = error instanceof InvalidInputError ? "too_large" : "refused";
      await this.#dead(delivery, {
        reason,
        error: (error as Error).message,
        request: read.request,
      });
    }
  }

  async #accept(flow: Flow, isLost: () => boolean): Promise<void> {
    const { executionId: ownId, reply, request } = flow;
    // Before the flow: its result may be there at once, or since long.
    if (reply !== undefined && ownId !== undefined) await this.#expect(ownId, reply, isLost);
    const stored = await this.#store(flow, isLost);
    this.#options.counted(stored.duplicate ? "duplicate" : "accepted");
    const executionId = ownId ?? executionIdOf(stored.stream, stored.seq);
    // One without an id of its own has it from the stream, and may be over by now.
    if (reply !== undefined && ownId === undefined) await this.#expect(executionId, reply, isLost);
    // Its result goes another way: who has gone meanwhile misses nothing that counts.
    if (request !== undefined)
      void this.#answer(request, { response: { accepted: true, executionId } });
  }

  #store({ lane, body, headers }: Flow, isLost: () => boolean): Promise<PubAck> {
    const { bus } = this.#options;
    const subject = bus.names.execute(lane);
    return this.#untilTaken(() => publishStored(bus, subject, body, headers, ATTEMPT_MS), isLost);
  }

  /** The result goes there when it is told from now on; one that is there already goes at once. */
  async #expect(executionId: string, reply: AmqpReply, isLost: () => boolean): Promise<void> {
    const { bus, replies } = this.#options;
    await this.#untilTaken(() => replies.put(executionId, reply), isLost);
    const stored = await this.#untilTaken(() => findStoredResult(bus, executionId), isLost);
    // It may have been told and answered just now, the way of all results.
    if (stored === undefined || replies.take(executionId) === undefined) return;
    const { result, sequence } = stored;
    const id = `${bus.names.streams.results}:${sequence}`;
    try {
      await this.#options.publish(flowReply(reply.to, reply.correlationId, result, id));
    } catch (error) {
      replies.giveBack(executionId, reply);
      throw error;
    }
    await this.#untilTaken(() => replies.remove(executionId), isLost);
  }

  /** With the same id each time, for as long as it takes: handed back it would count as failed. */
  async #untilTaken<T>(take: () => Promise<T>, isLost: () => boolean): Promise<T> {
    let isHolding = false;
    try {
      for (let waitMs: number = RETRY_MS.first; ; waitMs = Math.min(2 * waitMs, RETRY_MS.most)) {
        try {
          return await take();
        } catch (error) {
          if (isLost() || !isPassing(error)) throw error;
          if (!isHolding) this.#holding += 1;
          isHolding = true;
          this.#options.held((error as Error).message);
          await pause(waitMs);
        }
      }
    } finally {
      if (isHolding) this.#holding -= 1;
      if (isHolding && this.#holding === 0) this.#options.held(undefined);
    }
  }

  async #dead(
    delivery: AmqpDelivery,
    dead: { reason: AmqpDeadReason; error: string; request: AmqpRequest | undefined },
  ): Promise<void> {
    const { names, publish, counted } = this.#options;
    const id = `dead-${createHash("sha256").update(delivery.body).digest("hex").slice(0, 16)}`;
    const { lane } = delivery;
    const from = { queue: names.flows(lane), routingKey: names.keys.execute(lane), id };
    await publish(deadDelivery(names, delivery, dead, from));
    counted(dead.reason);
    const err = { code: dead.reason, message: dead.error };
    if (dead.request !== undefined) void this.#answer(dead.request, { err });
  }

  async #answer(
    request: AmqpRequest,
    answer: { readonly response: unknown } | { readonly err: unknown },
  ): Promise<void> {
    // Fails only while the bridge stops: the flow is accepted, and its result is told to all.
    await this.#options.publish(requestAnswer(request, answer)).catch(() => {});
  }
}

/** The bus is away or full, and will not be for ever. */
function isPassing(error: unknown): boolean {
  if (error instanceof LaneFullError || error instanceof UnreachableError) return true;
  const { name = "", retryable } = error as { name?: string; retryable?: boolean };
  return retryable === true || /timeout|connection|no responders|closed/i.test(name);
}
