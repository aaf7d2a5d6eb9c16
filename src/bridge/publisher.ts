import { createHash } from "node:crypto";
import type { ConfirmChannel, Message } from "amqplib";
import type { AmqpPublish } from "../messages/amqp-outbound.ts";

/** What became of a message: the broker has it, or no queue takes it. */
export type Publication = "confirmed" | "returned";

/** The message itself cannot be sent, over whatever channel. */
export class UnsendableError extends Error {
  override readonly name = "UnsendableError";
}

const JSON_TYPE = "application/json";
/** Of a property in AMQP 0-9-1 (a short string). */
const MAX_PROPERTY_BYTES = 255;
/** What the library throws where the channel is closed. */
const CHANNEL_GONE = "IllegalOperationError";
/** research/amqp.md 6: what the library holds for the broker is bounded by nobody else. */
const MAX_UNCONFIRMED = 1_000;

/**
 * Publishes with confirms over one channel. A message counts as published when the broker has confirmed it
 * and has not returned it; over a channel that breaks nobody knows, and it is told as an error.
 */
export class Publisher {
  readonly #channel: ConfirmChannel;
  readonly #confirmMs: number;
  readonly #late: (reason: string) => void;
  readonly #returned = new Set<string>();
  readonly #failures = new Set<(error: Error) => void>();
  #waiting: (() => void)[] = [];
  #isOver = false;

  /** `late` is called when the broker owes a confirm for longer than `confirmMs`. */
  constructor(channel: ConfirmChannel, confirmMs: number, late: (reason: string) => void) {
    this.#channel = channel;
    this.#confirmMs = confirmMs;
    this.#late = late;
    // The library tells a return before the confirm of the same message, in the same turn.
    channel.on("return", ({ properties }: Message) => {
      this.#returned.add(String(properties.messageId));
    });
  }

  /** How many the broker has yet to confirm. */
  get unconfirmed(): number {
    return this.#failures.size;
  }

  /**
   * @throws Error when it is not known whether the broker has it: it may be published again.
   * @throws UnsendableError when it never can be.
   */
  async publish(message: AmqpPublish): Promise<Publication> {
    while (this.unconfirmed >= MAX_UNCONFIRMED && !this.#isOver)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#isOver) throw new Error("the link to the broker is down");
    return new Promise((resolve, reject) => this.#send(message, resolve, reject));
  }

  /** The channel is gone: all that was not confirmed fails. */
  end(reason: string): void {
    this.#isOver = true;
    for (const fail of [...this.#failures]) fail(new Error(reason));
    this.#wake();
  }

  #send(
    message: AmqpPublish,
    resolve: (publication: Publication) => void,
    reject: (error: Error) => void,
  ): void {
    const { exchange, routingKey, body } = message;
    const messageId = short(message.messageId);
    const late = setTimeout(() => {
      this.#late(`the broker has not confirmed a message for ${this.#confirmMs / 1_000} s`);
    }, this.#confirmMs);
    const settle = (act: () => void) => {
      clearTimeout(late);
      this.#failures.delete(fail);
      act();
      this.#wake();
    };
    const fail = (error: Error) => settle(() => reject(error));
    this.#failures.add(fail);
    const confirmed = (error: unknown) => {
      if (error) return fail(error instanceof Error ? error : new Error("the broker refused it"));
      const publication = this.#returned.delete(messageId) ? "returned" : "confirmed";
      settle(() => resolve(publication));
    };
    try {
      const bytes = typeof body === "string" ? Buffer.from(body) : Buffer.from(body);
      this.#channel.publish(exchange, routingKey, bytes, propertiesOf(message), confirmed);
    } catch (error) {
      const { name, message: why } = error as Error;
      const isGone = name === CHANNEL_GONE;
      fail(isGone ? (error as Error) : new UnsendableError(why, { cause: error }));
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}

function propertiesOf(message: AmqpPublish) {
  const { type, messageId, correlationId, headers, mandatory, alsoFor } = message;
  const { contentType = JSON_TYPE } = message;
  return {
    persistent: true,
    mandatory,
    contentType,
    appId: "batuta",
    type,
    messageId: short(messageId),
    timestamp: Math.floor(Date.now() / 1_000),
    ...(correlationId === undefined ? {} : { correlationId: short(correlationId) }),
    ...(alsoFor === undefined ? {} : { CC: [...alsoFor] }),
    ...(headers === undefined ? {} : { headers }),
  };
}

/** What is too long for a property is cut, and a hash keeps it apart from others that begin in the same way. */
function short(text: string): string {
  // A character has three bytes at the most for each of its code units.
  if (text.length <= MAX_PROPERTY_BYTES / 3) return text;
  const bytes = Buffer.from(text);
  if (bytes.length <= MAX_PROPERTY_BYTES) return text;
  const hash = createHash("sha256").update(bytes).digest("hex").slice(0, 16);
  const room = MAX_PROPERTY_BYTES - hash.length - 4;
  return `${bytes
    .subarray(0, room)
    .toString()
    .replace(/\ufffd$/, "")}~${hash}`;
}
