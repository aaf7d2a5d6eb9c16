import { setTimeout as pause } from "node:timers/promises";
import type { ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import type { AmqpReplies } from "../../bus/amqp-replies.ts";
import type { Bus } from "../../bus/connect.ts";
import { feedOf } from "../../bus/feed.ts";
import type { AmqpNames } from "../../messages/amqp-names.ts";
import {
  type AmqpPublish,
  deadFlow,
  flowEvent,
  flowReply,
  workerStatus,
} from "../../messages/amqp-outbound.ts";
import type { DeadLetter, ExecutionResult } from "../../messages/result.ts";
import type { WorkerStateEvent } from "../../messages/worker.ts";
import type { ProcessLog } from "../process-log.ts";

export interface OutgoingOptions {
  readonly bus: Bus;
  readonly names: AmqpNames;
  readonly replies: AmqpReplies;
  /** Resolves when the broker has it, as does `offer`, which tells as well whether a queue took it. */
  readonly publish: (message: AmqpPublish) => Promise<void>;
  readonly offer: (message: AmqpPublish) => Promise<"confirmed" | "returned">;
  readonly log: ProcessLog;
}

/** Shared by all bridges. */
const DURABLE = "amqp-bridge";
const AGAIN_MS = 500;

/** Publishes over AMQP what becomes of executions and workers: acknowledged once the broker has confirmed it. */
export class Outgoing {
  readonly #options: OutgoingOptions;
  readonly #feeds = new Set<ConsumerMessages>();
  readonly #underWay = new Set<Promise<void>>();
  #isStopped = false;

  constructor(options: OutgoingOptions) {
    this.#options = options;
  }

  /** Begins; streams that are not there yet are waited for. */
  start(): void {
    const { bus, names, publish } = this.#options;
    const { streams } = bus.names;
    void this.#follow<ExecutionResult>(streams.results, (result, id) => this.#ended(result, id));
    void this.#follow<WorkerStateEvent>(streams.states, (event, id) =>
      publish(workerStatus(names, event, id)),
    );
    void this.#follow<DeadLetter>(streams.dead, (letter, id) =>
      publish(deadFlow(names, letter, id)),
    );
  }

  /** Takes nothing more; resolves when what was under way is settled. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const feed of this.#feeds) feed.stop();
    await Promise.allSettled(this.#underWay);
  }

  /** Begins anew when the stream is another one: those in memory go with their server. */
  async #follow<T>(stream: string, tell: (told: T, id: string) => Promise<void>): Promise<void> {
    while (!this.#isStopped && !this.#options.bus.nc.isClosed()) {
      try {
        await this.#read(stream, tell);
      } catch (error) {
        this.#options.log.debug({ err: error, stream }, "the stream cannot be read yet");
      }
      if (!this.#isStopped) await pause(AGAIN_MS);
    }
  }

  async #read<T>(stream: string, tell: (told: T, id: string) => Promise<void>): Promise<void> {
    const feed = await feedOf(this.#options.bus, stream, DURABLE);
    if (this.#isStopped) return feed.stop();
    this.#feeds.add(feed);
    try {
      for await (const msg of feed) {
        if (this.#isStopped) return;
        const settled = this.#settle(stream, msg, tell).finally(() => {
          this.#underWay.delete(settled);
        });
        this.#underWay.add(settled);
      }
    } finally {
      this.#feeds.delete(feed);
    }
  }

  async #settle<T>(
    stream: string,
    msg: JsMsg,
    tell: (told: T, id: string) => Promise<void>,
  ): Promise<void> {
    const id = `${stream}:${msg.seq}`;
    let told: T;
    try {
      told = msg.json<T>();
    } catch {
      this.#options.log.warn({ id }, "not published over AMQP: it is no JSON");
      msg.term();
      return;
    }
    try {
      await tell(told, id);
      msg.ack();
    } catch (error) {
      // Stopped, or not known whether the broker has it: it comes again, with the same id.
      this.#options.log.debug({ err: error, id }, "not published over AMQP yet");
    }
  }

  async #ended(result: ExecutionResult, id: string): Promise<void> {
    const { names, replies, publish, offer, log } = this.#options;
    const { executionId } = result;
    const reply = replies.take(executionId);
    try {
      await publish(flowEvent(names, result, id));
      if (reply === undefined) return;
      const taken = await offer(flowReply(reply.to, reply.correlationId, result, id));
      if (taken === "returned")
        log.warn({ executionId, replyTo: reply.to }, "nobody waits for the result any more");
    } catch (error) {
      if (reply !== undefined) replies.giveBack(executionId, reply);
      throw error;
    }
    await replies.remove(executionId);
  }
}
