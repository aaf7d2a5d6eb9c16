import type { KV } from "@nats-io/kv";
import { wishFrom } from "../domain/kept-wish.ts";
import { NO_WISH, type ScalingWish } from "../domain/scaling-wish.ts";
import type { Bus } from "./connect.ts";

const KEY = "scaling";

/** What people want of scaling: one key of the KV bucket `config`, so that it outlives every orchestrator. */
export class ScalingWishes {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open(bus: Bus): Promise<ScalingWishes> {
    return new ScalingWishes(await bus.kvm.open(bus.names.buckets.config));
  }

  async read(): Promise<ScalingWish> {
    const entry = await this.#kv.get(KEY);
    if (entry === null || entry.operation !== "PUT") return NO_WISH;
    // Written by `write` alone; what somebody else put there by hand counts as far as it can be read.
    return wishFrom(entry.string());
  }

  /** Durable when it resolves. */
  async write(wish: ScalingWish): Promise<void> {
    await this.#kv.put(KEY, JSON.stringify(wish));
  }
}
