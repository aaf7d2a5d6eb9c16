import type { KV } from "@nats-io/kv";
import type { Lane } from "../domain/lane.ts";
import type { AttemptRecord } from "../messages/result.ts";
import type { Bus } from "./connect.ts";

/** Where the message of an execution is, and what its record has to say of it. */
export interface ExecutionPlace {
  readonly lane: Lane;
  /** In the stream of its lane. */
  readonly sequence: number;
  /** When it was published, epoch milliseconds. */
  readonly storedAt: number;
  readonly flowId: string | null;
}

/**
 * What is kept of an execution beyond its message: only of those that took the slow path (a failed
 * or lost attempt), so that the ordinary execution costs no write here.
 */
export interface ExecutionMemory {
  readonly attempts: readonly AttemptRecord[];
  /** Undefined where nothing was kept, or an older version did. */
  readonly place?: ExecutionPlace;
}

export interface RememberedExecution extends ExecutionMemory {
  readonly executionId: string;
}

const NOTHING: ExecutionMemory = { attempts: [] };

/** The attempt history of executions, in the KV bucket `executions`. */
export class ExecutionStore {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open(bus: Bus): Promise<ExecutionStore> {
    return new ExecutionStore(await bus.kvm.open(bus.names.buckets.executions));
  }

  async read(executionId: string): Promise<ExecutionMemory> {
    const entry = await this.#kv.get(executionId);
    return entry === null || entry.operation !== "PUT" ? NOTHING : entry.json<ExecutionMemory>();
  }

  /** Everything that is kept, what was written last first. Many of these have ended by now. */
  async all(): Promise<RememberedExecution[]> {
    const all: RememberedExecution[] = [];
    // Not "paused.<executionId>", which is the flag of an execution (paused-flags.ts).
    const keys = await this.#kv.history({ key: "*" });
    for await (const entry of keys) {
      if (entry.operation !== "PUT") continue;
      all.push({ ...entry.json<ExecutionMemory>(), executionId: entry.key });
    }
    return all.reverse();
  }

  /**
   * Adds a failed attempt unless it is there already (a report may come twice); returns the whole
   * history. Durable when it resolves.
   */
  async addAttempt(
    executionId: string,
    record: AttemptRecord,
    place: ExecutionPlace,
  ): Promise<ExecutionMemory> {
    for (;;) {
      const entry = await this.#kv.get(executionId);
      const known =
        entry === null || entry.operation !== "PUT" ? NOTHING : entry.json<ExecutionMemory>();
      if (known.attempts.some(({ attempt }) => attempt === record.attempt)) return known;
      const memory = { attempts: [...known.attempts, record], place };
      const body = JSON.stringify(memory);
      try {
        if (entry === null) await this.#kv.create(executionId, body);
        else await this.#kv.update(executionId, body, entry.revision);
        return memory;
      } catch (error) {
        if (!isLostRace(error)) throw error;
      }
    }
  }

  /**
   * Forgets what is kept of an execution if `isMeant` says so of it. What is written in between stays.
   */
  async forget(executionId: string, isMeant: (memory: ExecutionMemory) => boolean): Promise<void> {
    const entry = await this.#kv.get(executionId);
    if (entry === null || entry.operation !== "PUT" || !isMeant(entry.json<ExecutionMemory>()))
      return;
    try {
      await this.#kv.delete(executionId, { previousSeq: entry.revision });
    } catch (error) {
      // Somebody wrote it since: that belongs to a later run.
      if (!isLostRace(error)) throw error;
    }
  }
}

/** Another process wrote the key between our read and our write. */
export function isLostRace(error: unknown): boolean {
  return error instanceof Error && /wrong last sequence/i.test(error.message);
}
