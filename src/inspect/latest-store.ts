import type { ActorRecord, InspectionSink, MachineDefinition } from "../messages/inspection.ts";

/**
 * Keeps the bucket at what is latest of some actors, one write after the other and each actor at most
 * once in `everyMs`: each write is a message in a stream.
 */
export class LatestStore {
  readonly #sink: InspectionSink;
  readonly #everyMs: number;
  readonly #onFailure: (err: unknown) => void;
  readonly #stored = new Map<string, ActorRecord>();
  readonly #unstored = new Map<string, ActorRecord>();
  #timer: NodeJS.Timeout | undefined;
  #isWriting = false;
  #writing: Promise<void> = Promise.resolve();
  #isEnded = false;

  constructor(sink: InspectionSink, everyMs: number, onFailure: (err: unknown) => void) {
    this.#sink = sink;
    this.#everyMs = everyMs;
    this.#onFailure = onFailure;
  }

  define(machine: MachineDefinition): void {
    this.#write(() => this.#sink.define(machine));
  }

  put(record: ActorRecord): void {
    this.#unstored.set(record.address, record);
    // Not before the last ones are written: a slow bus is to get fewer writes, not a longer queue.
    if (!this.#isWriting) this.#timer ??= setTimeout(() => this.#putAll(), this.#everyMs);
  }

  remove({ node, address }: ActorRecord): void {
    this.#unstored.delete(address);
    if (this.#stored.delete(address)) this.#write(() => this.#sink.remove(node, address));
  }

  /** Takes out all of them. With a bus that is away it gives up at the first. */
  async end(): Promise<void> {
    this.#isEnded = true;
    clearTimeout(this.#timer);
    await this.#writing;
    for (const { node, address } of this.#stored.values())
      if (!(await this.#attempt(() => this.#sink.remove(node, address)))) return;
  }

  #putAll(): void {
    this.#timer = undefined;
    for (const record of this.#unstored.values()) {
      this.#stored.set(record.address, record);
      this.#write(() => this.#sink.put(record, JSON.stringify({ ...record, seq: 0 })));
    }
    this.#unstored.clear();
    this.#isWriting = true;
    this.#write(async () => {
      this.#isWriting = false;
      const [next] = this.#unstored.values();
      if (next !== undefined) this.put(next);
    });
  }

  #write(write: () => Promise<void>): void {
    this.#writing = this.#writing.then(async () => {
      if (!this.#isEnded) await this.#attempt(write);
    });
  }

  async #attempt(write: () => Promise<void>): Promise<boolean> {
    try {
      await write();
      return true;
    } catch (err) {
      this.#onFailure(err);
      return false;
    }
  }
}
