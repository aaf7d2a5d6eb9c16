import { setTimeout as pause } from "node:timers/promises";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { flowBody } from "../../../bench/amqp/rates.ts";

const AT_ONCE = 500;
const AGAIN_MS = 300;

/** Publishes flows with confirms, and again what a broker that died has not confirmed, as a careful client does. */
export class Producer {
  readonly #url: string;
  readonly #queue: string;
  #model: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;

  constructor(url: string, queue: string) {
    this.#url = url;
    this.#queue = queue;
  }

  /** Resolves when the broker has confirmed each of them. */
  async publish(ids: readonly string[]): Promise<void> {
    for (let from = 0; from < ids.length; from += AT_ONCE)
      await this.#untilConfirmed(ids.slice(from, from + AT_ONCE));
  }

  async close(): Promise<void> {
    await this.#model?.close().catch(() => {});
  }

  async #untilConfirmed(ids: readonly string[]): Promise<void> {
    for (let left = ids; left.length > 0; ) {
      try {
        const channel = await this.#open();
        const outcomes = await Promise.all(left.map((id) => this.#send(channel, id)));
        left = left.filter((_, i) => !outcomes[i]);
      } catch {
        // The broker is away.
      }
      if (left.length > 0) await pause(AGAIN_MS);
    }
  }

  async #open(): Promise<ConfirmChannel> {
    if (this.#channel !== undefined) return this.#channel;
    const model = await connect(this.#url);
    model.on("error", () => {});
    model.on("close", () => {
      this.#channel = undefined;
    });
    const channel = await model.createConfirmChannel();
    channel.on("error", () => {});
    // Each message that is under way listens whether it is closed.
    channel.setMaxListeners(AT_ONCE + 10);
    this.#model = model;
    this.#channel = channel;
    return channel;
  }

  /** Whether it is confirmed. */
  #send(channel: ConfirmChannel, id: string): Promise<boolean> {
    return new Promise((resolve) => {
      const body = Buffer.from(flowBody(id));
      const options = { persistent: true, contentType: "application/json", messageId: id };
      const gone = () => resolve(false);
      channel.once("close", gone);
      try {
        channel.publish("", this.#queue, body, options, (error) => {
          channel.off("close", gone);
          resolve(!error);
        });
      } catch {
        gone();
      }
    });
  }
}
