import type { Channel, ConsumeMessage } from "amqplib";
import type { AmqpProperties } from "../messages/amqp-inbound.ts";
import type { AmqpConnection } from "./connection.ts";

/** A queue, and what is done with what comes of it. */
export interface Source {
  readonly queue: string;
  /** Resolves once it is stored elsewhere and may be acknowledged. */
  readonly take: (
    body: Uint8Array,
    properties: AmqpProperties,
    isLost: () => boolean,
  ) => Promise<void>;
}

/** Takes what comes of some queues. What is not settled comes again over another connection. */
export class Inlet {
  readonly #connection: AmqpConnection;
  readonly #sources: readonly Source[];
  readonly #consumers: { readonly channel: Channel; readonly tag: string }[] = [];
  #unsettled = 0;
  #isOver = false;
  #settled: () => void = () => {};

  constructor(connection: AmqpConnection, sources: readonly Source[]) {
    this.#connection = connection;
    this.#sources = sources;
  }

  /** How many have come and are not settled. */
  get unsettled(): number {
    return this.#unsettled;
  }

  /** Each queue has a channel of its own, so that a full one does not keep the others waiting. */
  async start(prefetch: number): Promise<void> {
    for (const source of this.#sources) {
      const channel = await this.#connection.channel();
      await channel.prefetch(prefetch);
      const { queue } = source;
      const { consumerTag: tag } = await channel.consume(queue, (message) => {
        // Told once, and then never again: the queue is gone.
        if (message === null)
          this.#connection.lose(`the broker cancelled the consumer of ${queue}`);
        else void this.#take(channel, source, message);
      });
      this.#consumers.push({ channel, tag });
    }
  }

  /** Takes no more; resolves when all that came is settled. */
  async stop(): Promise<void> {
    // A channel that is gone has no consumer either.
    await Promise.all(
      this.#consumers.map(({ channel, tag }) => channel.cancel(tag).catch(() => undefined)),
    );
    if (this.#unsettled > 0)
      await new Promise<void>((resolve) => {
        this.#settled = resolve;
      });
  }

  /** The connection is gone: what it brought belongs to the broker again. */
  end(): void {
    this.#isOver = true;
    this.#settled();
  }

  async #take(channel: Channel, source: Source, message: ConsumeMessage): Promise<void> {
    this.#unsettled += 1;
    try {
      await source.take(message.content, propertiesOf(message), () => this.#isOver);
      // A tag of a channel that is gone would close the one that came after it.
      if (!this.#isOver) channel.ack(message);
    } catch (error) {
      this.#connection.lose(`a message could not be settled: ${(error as Error).message}`);
    } finally {
      this.#unsettled -= 1;
      if (this.#unsettled === 0) this.#settled();
    }
  }
}

function propertiesOf({ properties }: ConsumeMessage): AmqpProperties {
  const { messageId, correlationId, replyTo, contentType, expiration, appId, type } = properties;
  const { timestamp, headers } = properties;
  return {
    messageId: textOf(messageId),
    correlationId: textOf(correlationId),
    replyTo: textOf(replyTo),
    contentType: textOf(contentType),
    expiration: textOf(expiration),
    appId: textOf(appId),
    type: textOf(type),
    timestamp: typeof timestamp === "number" ? timestamp : undefined,
    headers,
  };
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
