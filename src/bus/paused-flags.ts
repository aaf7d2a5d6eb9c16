import type { KV, KvEntry, KvWatchEntry } from "@nats-io/kv";
import type { QueuedIterator } from "nats";
import { isLane, type Lane } from "../domain/lane.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { isLostRace } from "./executions.ts";
import { type HeaderLines, publishStored } from "./publish.ts";

/** Of an execution that is paused: until it is resumed nothing of it is started. */
export interface PausedFlag {
  readonly reason: string;
  /** Since when, ISO 8601. */
  readonly at: string;
  /** These two are added once it has been found. */
  readonly flowId?: string | null | undefined;
  readonly lane?: Lane | undefined;
}

export interface StoredFlag extends PausedFlag {
  readonly executionId: string;
  /** Grows with each write to the bucket. */
  readonly revision: number;
  /** When it was written last, epoch milliseconds. */
  readonly storedAt: number;
}

/** What became of a key: undefined where the flag is not there (any more). */
export interface FlagChange {
  readonly executionId: string;
  readonly revision: number;
  readonly flag: StoredFlag | undefined;
}

/** Names the write of one request: all orchestrators hear it, and one of them writes. */
type RequestId = string | undefined;

/** Ids hold no dots, so that the attempt history of no execution is kept under such a key. */
const keyOf = (executionId: string) => `paused.${executionId}`;
const ALL = keyOf("*");

/** The executions that are paused, in the KV bucket `executions` under `paused.<executionId>`. */
export class PausedFlags {
  readonly #bus: Bus;
  readonly #kv: KV;

  private constructor(bus: Bus, kv: KV) {
    this.#bus = bus;
    this.#kv = kv;
  }

  static async open(bus: Bus): Promise<PausedFlags> {
    return new PausedFlags(bus, await bus.kvm.open(bus.names.buckets.executions));
  }

  async read(executionId: string): Promise<StoredFlag | undefined> {
    const entry = await this.#kv.get(keyOf(executionId));
    return entry === null ? undefined : changeOf(entry).flag;
  }

  async all(): Promise<StoredFlag[]> {
    const all: StoredFlag[] = [];
    for await (const entry of await this.#kv.history({ key: ALL })) {
      const { flag } = changeOf(entry);
      if (flag !== undefined) all.push(flag);
    }
    return all;
  }

  /** What is there now and each change, until it is stopped. */
  watch(): Promise<QueuedIterator<KvWatchEntry>> {
    return this.#kv.watch({ key: ALL });
  }

  /**
   * Writes a flag, whatever was there; durable when it resolves, with the revision. Undefined when
   * another orchestrator has written for the same request: one that comes late must not pause again
   * what was resumed meanwhile.
   */
  set(executionId: string, flag: PausedFlag, request: RequestId): Promise<number | undefined> {
    return this.#write(executionId, JSON.stringify(flag), [], request);
  }

  /** Takes a flag away, and is as `set` otherwise. */
  clear(executionId: string, request: RequestId): Promise<number | undefined> {
    return this.#write(executionId, "", [["KV-Operation", "DEL"]], request);
  }

  /** Replaces a flag unless it was written since. */
  async replace({ executionId, revision }: Written, flag: PausedFlag): Promise<void> {
    await unlessLostRace(this.#kv.update(keyOf(executionId), JSON.stringify(flag), revision));
  }

  /** Takes a flag away unless it was written since. */
  async remove({ executionId, revision }: Written): Promise<void> {
    await unlessLostRace(this.#kv.delete(keyOf(executionId), { previousSeq: revision }));
  }

  async #write(executionId: string, body: string, operation: HeaderLines, request: RequestId) {
    const subject = `$KV.${this.#bus.names.buckets.executions}.${keyOf(executionId)}`;
    const id: HeaderLines = request === undefined ? [] : [[HEADERS.messageId, request]];
    const { seq, duplicate } = await publishStored(this.#bus, subject, body, [...operation, ...id]);
    return duplicate === true ? undefined : seq;
  }
}

type Written = Pick<StoredFlag, "executionId" | "revision">;

/** What a key of the bucket tells. One that cannot be read is a flag all the same. */
export function changeOf(entry: KvEntry): FlagChange {
  const { key, revision } = entry;
  const executionId = key.slice(keyOf("").length);
  if (entry.operation !== "PUT") return { executionId, revision, flag: undefined };
  const { reason, at, flowId, lane } = fieldsOf(entry);
  const storedAt = entry.created.getTime();
  const flag: StoredFlag = {
    executionId,
    revision,
    storedAt,
    reason: String(reason ?? ""),
    at: typeof at === "string" ? at : entry.created.toISOString(),
    ...(typeof flowId === "string" ? { flowId } : {}),
    ...(isLane(lane) ? { lane } : {}),
  };
  return { executionId, revision, flag };
}

function fieldsOf(entry: KvEntry): Readonly<Record<string, unknown>> {
  try {
    return entry.json<Record<string, unknown> | null>() ?? {};
  } catch {
    // Somebody else has written it by hand.
    return {};
  }
}

/** Somebody wrote the key since: what they wrote counts. */
async function unlessLostRace(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isLostRace(error)) throw error;
  }
}
