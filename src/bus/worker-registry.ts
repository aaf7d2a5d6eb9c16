import type { KV } from "@nats-io/kv";
import type { RegisterMessage, WorkerStateEvent, WorkerStateName } from "../messages/worker.ts";
import type { Bus } from "./connect.ts";
import { isLostRace } from "./executions.ts";

/** One worker in the KV bucket `workers`: written on registration and on a change of state, never on a beat. */
export interface RegistryEntry {
  readonly registration: RegisterMessage;
  /** The state that was announced last. */
  readonly state: WorkerStateName;
  readonly reasons: readonly string[];
  readonly changedAt: string;
}

export type RegistryChange =
  | { readonly type: "put"; readonly entry: RegistryEntry }
  | { readonly type: "removed"; readonly workerId: string };

export type Admission =
  | {
      readonly accepted: true;
      readonly entry: RegistryEntry;
      /** The incarnation that this one replaces, if it was not offline. */
      readonly evicted: RegistryEntry | undefined;
    }
  | { readonly accepted: false; readonly reason: string };

/** The fleet as all orchestrators know it. */
export class WorkerRegistry {
  readonly #kv: KV;

  private constructor(kv: KV) {
    this.#kv = kv;
  }

  static async open(bus: Bus): Promise<WorkerRegistry> {
    return new WorkerRegistry(await bus.kvm.open(bus.names.buckets.workers));
  }

  /**
   * Writes the registration unless the same or a newer incarnation of this worker is known.
   * Incarnations are ULIDs: they compare as text. A newer one evicts the older.
   */
  async admit(registration: RegisterMessage, at: string): Promise<Admission> {
    const { workerId } = registration;
    for (;;) {
      const known = await this.#read(workerId);
      const refusal = known === undefined ? undefined : refusalOf(registration, known.value);
      if (refusal !== undefined) return { accepted: false, reason: refusal };
      const entry: RegistryEntry = {
        registration,
        state: "registering",
        reasons: [],
        changedAt: at,
      };
      if (!(await this.#write(workerId, entry, known?.revision))) continue;
      const evicted = known?.value.state === "offline" ? undefined : known?.value;
      return { accepted: true, entry, evicted };
    }
  }

  /**
   * Records a change of state. Gives the state that was recorded before, for the caller to announce
   * the change; undefined if it is no news. By compare-and-set, so that of several orchestrators
   * that see the same change only one announces it.
   */
  async record(event: WorkerStateEvent): Promise<WorkerStateName | undefined> {
    const known = await this.#read(event.workerId);
    const isNews =
      known !== undefined &&
      known.value.registration.incarnation === event.incarnation &&
      known.value.state !== event.to;
    if (!isNews) return undefined;
    const entry = { ...known.value, state: event.to, reasons: event.reasons, changedAt: event.at };
    const isWritten = await this.#write(event.workerId, entry, known.revision);
    return isWritten ? known.value.state : undefined;
  }

  /** Every worker known now. */
  async entries(): Promise<RegistryEntry[]> {
    const found: RegistryEntry[] = [];
    const keys = await this.#kv.keys();
    for await (const key of keys) {
      const known = await this.#read(key);
      if (known !== undefined) found.push(known.value);
    }
    return found;
  }

  /** Calls `onChange` for every worker that is there and for each change, until `stop` is called. */
  async watch(onChange: (change: RegistryChange) => void): Promise<{ stop: () => void }> {
    const watcher = await this.#kv.watch();
    const pump = async () => {
      for await (const entry of watcher) {
        if (entry.operation === "PUT")
          onChange({ type: "put", entry: entry.json<RegistryEntry>() });
        else onChange({ type: "removed", workerId: entry.key });
      }
    };
    void pump();
    return { stop: () => watcher.stop() };
  }

  /** Forgets an offline worker. False when it has come back, or has been forgotten, in the meantime. */
  async forget({ registration }: RegistryEntry): Promise<boolean> {
    const { workerId, incarnation } = registration;
    const known = await this.#read(workerId);
    const isSame = known?.value.registration.incarnation === incarnation;
    if (known === undefined || !isSame || known.value.state !== "offline") return false;
    try {
      await this.#kv.purge(workerId, { previousSeq: known.revision });
      return true;
    } catch (error) {
      if (isLostRace(error)) return false;
      throw error;
    }
  }

  async #read(workerId: string): Promise<{ value: RegistryEntry; revision: number } | undefined> {
    const entry = await this.#kv.get(workerId);
    if (entry === null || entry.operation !== "PUT") return undefined;
    return { value: entry.json<RegistryEntry>(), revision: entry.revision };
  }

  async #write(
    workerId: string,
    entry: RegistryEntry,
    revision: number | undefined,
  ): Promise<boolean> {
    const body = JSON.stringify(entry);
    try {
      if (revision === undefined) await this.#kv.create(workerId, body);
      else await this.#kv.update(workerId, body, revision);
      return true;
    } catch (error) {
      if (isLostRace(error)) return false;
      throw error;
    }
  }
}

function refusalOf(registration: RegisterMessage, known: RegistryEntry): string | undefined {
  const current = known.registration.incarnation;
  // Clocks differ between hosts: whoever is offline may be followed by any other incarnation.
  const isOver = known.state === "offline" && registration.incarnation !== current;
  if (registration.incarnation > current || isOver) return undefined;
  if (registration.incarnation === current) {
    return `incarnation ${current} of worker ${registration.workerId} was registered before`;
  }
  return `worker ${registration.workerId} has a newer incarnation, ${current}`;
}
