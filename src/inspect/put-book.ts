import type { ActorRef } from "../kernel/actor.ts";
import type { InspectionRecord } from "../kernel/reports.ts";
import type { InspectionSink, MachineDefinition } from "../messages/inspection.ts";

interface Entry {
  readonly incarnation: string;
  /** Status and state, on one line. */
  readonly line: string;
  readonly putAt: number;
  readonly machine: MachineDefinition;
}

export interface PutBookOptions {
  readonly node: { readonly node: string };
  readonly sink: InspectionSink;
  readonly now: () => number;
  readonly fault: (error: unknown, what: string) => void;
}

/** Entries of the bucket last for 5 minutes: one that is put again in less does not run out. */
const PUT_AGAIN_MS = 120_000;

/** What a process has put into the buckets of its actors and machines. */
export class PutBook {
  readonly #options: PutBookOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #defined = new Map<string, number>();

  constructor(options: PutBookOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Of an actor that has left since. */
  machineOf(address: string): MachineDefinition | undefined {
    return this.#entries.get(address)?.machine;
  }

  /** Whether what the bucket has of an actor is old, or is not it. */
  isDue({ address, incarnation }: ActorRef, line: string): boolean {
    const entry = this.#entries.get(address);
    if (entry === undefined || entry.incarnation !== incarnation || entry.line !== line)
      return true;
    return this.#options.now() - entry.putAt >= PUT_AGAIN_MS;
  }

  /** Remembers an actor that was told of live and is not in the bucket yet. */
  note({ address, incarnation }: InspectionRecord, machine: MachineDefinition): void {
    if (this.#entries.has(address)) return;
    this.#entries.set(address, { incarnation, line: "", putAt: 0, machine });
  }

  /** Whether its record is stored; what cannot be put is put at the next look. Never rejects. */
  async put(
    { address, incarnation, snapshot }: InspectionRecord,
    text: string,
    machine: MachineDefinition,
  ): Promise<boolean> {
    const { sink, now, node } = this.#options;
    const line = `${snapshot.status} ${snapshot.state}`;
    const entry = { incarnation, line, putAt: now(), machine };
    this.#entries.set(address, entry);
    try {
      await sink.put({ node: node.node, address }, text);
      return true;
    } catch (error) {
      if (this.#entries.get(address) === entry)
        this.#entries.set(address, { ...entry, line: "", putAt: 0 });
      this.#fault(error, "an actor could not be put into the bucket");
      return false;
    }
  }

  /** What was put may be gone: the buckets are in memory, and the server may have been started again. */
  doubt(): void {
    this.#defined.clear();
    for (const [address, entry] of this.#entries)
      this.#entries.set(address, { ...entry, line: "", putAt: 0 });
  }

  /** Puts a machine, unless that was done a while ago. */
  define(machine: MachineDefinition): void {
    const { sink, now } = this.#options;
    const at = this.#defined.get(machine.hash);
    if (at !== undefined && now() - at < PUT_AGAIN_MS) return;
    this.#defined.set(machine.hash, now());
    sink.define(machine).catch((error: unknown) => {
      this.#defined.delete(machine.hash);
      this.#fault(error, "a machine could not be put into the bucket");
    });
  }

  /** Takes out of the bucket those that are none of these, and tells which they were. */
  forgetAllBut(actors: readonly ActorRef[]): string[] {
    const present = new Set(actors.map(({ address }) => address));
    const gone = [...this.#entries.keys()].filter((address) => !present.has(address));
    for (const address of gone) void this.#remove(address);
    return gone;
  }

  /** Takes all out of the bucket. */
  async clear(): Promise<void> {
    await Promise.all([...this.#entries.keys()].map((address) => this.#remove(address)));
  }

  async #remove(address: string): Promise<void> {
    this.#entries.delete(address);
    try {
      await this.#options.sink.remove(this.#options.node.node, address);
    } catch (error) {
      // It runs out by itself.
      this.#fault(error, "an actor could not be taken out of the bucket");
    }
  }

  #fault(error: unknown, what: string): void {
    this.#options.fault(error, what);
  }
}
