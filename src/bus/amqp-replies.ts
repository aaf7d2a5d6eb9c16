import type { KV, KvEntry } from "@nats-io/kv";
import type { AmqpReply } from "../messages/amqp-inbound.ts";
import type { Bus } from "./connect.ts";
import { isLostRace } from "./executions.ts";
import { jsonOf } from "./foreign.ts";

/** Who has waited for longer is not answered any more. */
const KEPT_MS = 24 * 3_600_000;

interface Waiting {
  readonly reply: AmqpReply;
  readonly revision: number;
}

/**
 * Who waits over AMQP for the result of which execution. Kept on the bus, so that another bridge, or this
 * one once it is started again, answers; what it holds is known here without asking for each result.
 */
export class AmqpReplies {
  readonly #kv: KV;
  readonly #waiting = new Map<string, Waiting>();
  /** Those that are being answered: up to which revision the bucket tells nothing new of them. */
  readonly #taken = new Map<string, number>();
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

  async put(executionId: string, reply: AmqpReply): Promise<void> {
    const revision = await this.#kv.put(executionId, JSON.stringify(reply));
    this.#note(executionId, { reply, revision });
  }

  /**
   * Who waits, for one that will answer: whoever asks next in this process is told of nobody. After that
   * comes `remove`, or `giveBack` where there was no answer.
   */
  take(executionId: string): AmqpReply | undefined {
    const waiting = this.#waiting.get(executionId);
    if (waiting === undefined) return undefined;
    this.#waiting.delete(executionId);
    this.#taken.set(executionId, waiting.revision);
    return waiting.reply;
  }

  giveBack(executionId: string, reply: AmqpReply): void {
    const revision = this.#taken.get(executionId) ?? 0;
    this.#taken.delete(executionId);
    this.#note(executionId, { reply, revision });
  }

  /** It has its answer. One that waits since then stays. */
  async remove(executionId: string): Promise<void> {
    const previousSeq = this.#taken.get(executionId);
    if (previousSeq === undefined) return;
    try {
      await this.#kv.delete(executionId, { previousSeq });
    } catch (error) {
      if (!isLostRace(error)) throw error;
    }
  }

  close(): void {
    this.#stop();
  }

  #note(executionId: string, waiting: Waiting): void {
    const known = this.#waiting.get(executionId)?.revision ?? 0;
    const taken = this.#taken.get(executionId) ?? 0;
    if (waiting.revision > Math.max(known, taken)) this.#waiting.set(executionId, waiting);
  }

  #heard(entry: KvEntry): void {
    const { key, revision } = entry;
    const reply = entry.operation === "PUT" ? jsonOf<AmqpReply>(entry) : undefined;
    if (typeof reply?.to === "string") {
      this.#note(key, { reply, revision });
      return;
    }
    if ((this.#waiting.get(key)?.revision ?? 0) < revision) this.#waiting.delete(key);
    if ((this.#taken.get(key) ?? 0) < revision) this.#taken.delete(key);
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
        this.#heard(entry);
        if (entry.delta === 0) known();
      }
    })();
    await isKnown;
  }
}
