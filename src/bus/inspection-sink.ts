import { UnreachableError } from "../domain/errors.ts";
import { actorBucketKey, actorTokens } from "../messages/actor-address.ts";
import type {
  InspectionSink,
  Located,
  MachineDefinition,
  NodeInfo,
} from "../messages/inspection.ts";
import type { Bus } from "./connect.ts";
import { answerWatchers } from "./inspection-answers.ts";
import { headerBlock } from "./outbox.ts";
import { refusalOf } from "./pub-ack.ts";

/** Records that may be on their way at once: what comes faster than the server reads is dropped. */
const MAX_UNREAD = 5_000;
/** Entries that may wait for their acknowledgement at once. */
const MAX_UNSTORED = 1_000;
const STORE_TIMEOUT_MS = 5_000;
const DELETED = headerBlock([["KV-Operation", "DEL"]]);

/**
 * Tells of actors over the bus: live records on `actors.<node>.<address…>`, the latest of each in the
 * bucket `actors`, machines in the bucket `machines`.
 */
export class BusInspectionSink implements InspectionSink {
  readonly #bus: Bus;
  #unread = 0;
  #isFlushing = false;
  #unstored = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  publish(of: Located, text: string): boolean {
    const { nc, names, outbox, maxPayloadBytes } = this.#bus;
    const isTooMuch = this.#unread >= MAX_UNREAD || text.length > maxPayloadBytes / 3;
    if (nc.isClosed() || isTooMuch) return false;
    outbox.publish(names.actor(...subjectOf(of)), text);
    this.#unread += 1;
    if (!this.#isFlushing) void this.#flush();
    return true;
  }

  async put({ node, address }: Located, text: string): Promise<void> {
    await this.#store("actors", actorBucketKey(node, address), text);
  }

  async remove(node: string, address: string): Promise<void> {
    await this.#store("actors", actorBucketKey(node, address), "", DELETED);
  }

  async define(machine: MachineDefinition): Promise<void> {
    await this.#store("machines", machine.hash, JSON.stringify(machine));
  }

  answerFor(node: () => NodeInfo): () => void {
    return answerWatchers(this.#bus, { watch: async () => node(), info: node }, () => {});
  }

  /** What the server has answered for is read: from there on it is counted anew. */
  async #flush(): Promise<void> {
    this.#isFlushing = true;
    while (this.#unread > 0 && !this.#bus.nc.isClosed()) {
      const sent = this.#unread;
      try {
        this.#bus.outbox.flush();
        await this.#bus.nc.flush();
      } catch {
        // The connection is closed for good, which others tell of.
        break;
      }
      this.#unread -= sent;
    }
    this.#isFlushing = false;
  }

  /**
   * @throws UnreachableError when it was not stored.
   * @throws InvalidInputError when it is larger than the server takes.
   */
  async #store(
    bucket: "actors" | "machines",
    key: string,
    text: string,
    headers?: string,
  ): Promise<void> {
    await this.#turn();
    try {
      const subject = `$KV.${this.#bus.names.buckets[bucket]}.${key}`;
      const options = {
        timeoutMs: STORE_TIMEOUT_MS,
        ...(headers === undefined ? {} : { headers }),
      };
      const refusal = refusalOf(await this.#bus.mux.request(subject, text, options));
      if (refusal === undefined) return;
      throw new UnreachableError(`the bucket ${bucket} did not take ${key}: ${refusal.type}`);
    } finally {
      this.#unstored -= 1;
      this.#waiting.shift()?.();
    }
  }

  async #turn(): Promise<void> {
    if (this.#unstored >= MAX_UNSTORED)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#unstored += 1;
  }
}

function subjectOf({ node, address }: Located): [node: string, address: string] {
  return [actorTokens(node), actorTokens(address)];
}
