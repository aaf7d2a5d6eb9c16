import type { KV } from "@nats-io/kv";
import type { AmqpReply } from "../messages/amqp-inbound.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

/** Who has waited for longer is not answered any more. */
const KEPT_MS = 24 * 3_600_000;

/**
 * Who waits over AMQP for the result of which execution. Kept on the bus, so that another bridge, or this
 * one once it is started again, answers; what it holds is known here without asking for each result.
 */
export class AmqpReplies {
  readonly #kv: KV;
  readonly #waiting = new Map<string, AmqpReply>();
  #stop: () => void = () => {};

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  /** Resolves when all that the bucket holds is known. */
  static async open({ kvm, names }: Bus): Promise<AmqpReplies> {
    const replies = new AmqpReplies(await kvm.create(names.amqpReplies, { ttl: KEPT_MS }));
    await replies.#follow();
    return replies;
  }

  get(executionId: string): AmqpReply | undefined {
    return this.#waiting.get(executionId);
  }

  async put(executionId: string, reply: AmqpReply): Promise<void> {
    await this.#kv.put(executionId, JSON.stringify(reply));
    this.#waiting.set(executionId, reply);
  }

  async remove(executionId: string): Promise<void> {
    this.#waiting.delete(executionId);
    await this.#kv.delete(executionId);
  }

  close(): void {
    this.#stop();
  }

  async #follow(): Promise<void> {
    const { values } = await this.#kv.status();
    const watcher = await this.#kv.watch();
    this.#stop = () => watcher.stop();
    let known: () => void = () => {};
    const isKnown = new Promise<void>((resolve) => {
      known = resolve;
    });
    if (values === 0) known();
    void (async () => {
      for await (const entry of watcher) {
        const reply = entry.operation === "PUT" ? jsonOf<AmqpReply>(entry) : undefined;
        if (typeof reply?.to === "string") this.#waiting.set(entry.key, reply);
        else this.#waiting.delete(entry.key);
        if (entry.delta === 0) known();
      }
    })();
    await isKnown;
  }
}
