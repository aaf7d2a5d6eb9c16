import {
  type ChannelModel,
  type ConfirmChannel,
  type ConsumeMessage,
  connect,
  type Options,
} from "amqplib";
import { onTestFinished } from "vitest";

/** A message as a client of the seed's orchestrator gets it. */
export interface Heard {
  readonly routingKey: string;
  readonly properties: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** A client that knows nothing of Batuta but its AMQP contract. Closed when the test ends. */
export class LegacyClient {
  readonly channel: ConfirmChannel;
  readonly prefix: string;
  readonly #model: ChannelModel;
  readonly #isTrusting: boolean;

  private constructor(
    model: ChannelModel,
    channel: ConfirmChannel,
    prefix: string,
    isTrusting: boolean,
  ) {
    this.channel = channel;
    this.#isTrusting = isTrusting;
    this.prefix = prefix;
    this.#model = model;
    model.on("error", () => {});
    channel.on("error", () => {});
    onTestFinished(() => model.close().catch(() => {}));
  }

  /** With `isTrusting` it takes what it has published for confirmed. */
  static async open(
    url: string,
    prefix: string,
    { isTrusting = false }: { readonly isTrusting?: boolean } = {},
  ): Promise<LegacyClient> {
    const model = await connect(url);
    return new LegacyClient(model, await model.createConfirmChannel(), prefix, isTrusting);
  }

  close(): Promise<void> {
    return this.#model.close();
  }

  /** Resolves when the broker has it. */
  publish(routingKey: string, body: unknown, options: Options.Publish = {}): Promise<void> {
    return this.#send(this.prefix, routingKey, body, options);
  }

  /** Straight to a queue, as NestJS does. */
  send(queue: string, body: unknown, options: Options.Publish = {}): Promise<void> {
    return this.#send("", queue, body, options);
  }

  /** All that comes by on the exchange of events from now on. */
  async events(pattern = "#"): Promise<Heard[]> {
    const { queue } = await this.channel.assertQueue("", { exclusive: true });
    await this.channel.bindQueue(queue, `${this.prefix}.events`, pattern);
    return this.heard(queue);
  }

  /** All that comes to a queue from now on. */
  async heard(queue: string): Promise<Heard[]> {
    const all: Heard[] = [];
    await this.channel.consume(
      queue,
      (message) => {
        if (message !== null) all.push(heardOf(message));
      },
      { noAck: true },
    );
    return all;
  }

  async waiting(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  #send(
    exchange: string,
    routingKey: string,
    body: unknown,
    options: Options.Publish,
  ): Promise<void> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const content = Buffer.from(text);
      const all = { persistent: true, ...options };
      this.channel.publish(exchange, routingKey, content, all, (error) => {
        if (error) reject(error);
        else resolve();
      });
      if (this.#isTrusting) resolve();
    });
  }
}

function heardOf(message: ConsumeMessage): Heard {
  const { content, fields, properties } = message;
  return {
    routingKey: fields.routingKey,
    properties: properties as never,
    headers: properties.headers ?? {},
    text: content.toString(),
  };
}
