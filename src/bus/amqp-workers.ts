import type { KV } from "@nats-io/kv";
import type { AmqpRegistration } from "../messages/amqp-worker.ts";
import type { Bus } from "./connect.ts";

/**
 * The workers that have registered over AMQP and have not left, for all bridges: who takes over from one that
 * died finds them here, since a worker of the seed registers only once.
 */
export class AmqpWorkers {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open({ kvm, names }: Bus): Promise<AmqpWorkers> {
    return new AmqpWorkers(await kvm.create(names.amqpWorkers));
  }

  async find(workerId: string): Promise<AmqpRegistration | undefined> {
    const entry = await this.#kv.get(workerId);
    return entry?.operation === "PUT" ? entry.json<AmqpRegistration>() : undefined;
  }

  async put(registration: AmqpRegistration): Promise<void> {
    await this.#kv.put(registration.workerId, JSON.stringify(registration));
  }

  async remove(workerId: string): Promise<void> {
    await this.#kv.delete(workerId);
  }
}
