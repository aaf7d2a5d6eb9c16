import type { KV } from "@nats-io/kv";
import {
  afterMishap,
  type Conduct,
  type Mishap,
  quarantineAt,
  quarantineText,
} from "../domain/conduct.ts";
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
  /** False until this incarnation has been healthy for the first time. */
  readonly isProven?: boolean;
  /** How the worker has behaved, over all its incarnations; nothing for one without a mishap. */
  readonly conduct?: Conduct;
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
      const entry = admitted(registration, known?.value, at);
      if (!(await this.#write(workerId, entry, known?.revision))) continue;
      const evicted = known?.value.state === "offline" ? undefined : known?.value;
      return { accepted: true, entry, evicted };
    }
  }

  /**
   * Records a change of state, and the mishap that it was. Gives the state that was recorded before,
   * for the caller to announce the change; undefined if it is no news. By compare-and-set, so that of
   * several orchestrators that see the same change only one announces it.
   */
  async record(event: WorkerStateEvent, mishap?: Mishap): Promise<WorkerStateName | undefined> {
    const known = await this.#read(event.workerId);
    const isNews =
      known !== undefined &&
      known.value.registration.incarnation === event.incarnation &&
      known.value.state !== event.to;
    if (!isNews) return undefined;
    const entry = changed(known.value, event, mishap);
    const isWritten = await this.#write(event.workerId, entry, known.revision);
    return isWritten ? known.value.state : undefined;
  }

  /** What is known of one worker. */
  async find(workerId: string): Promise<RegistryEntry | undefined> {
    return (await this.#read(workerId))?.value;
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

/** A quarantine is told with the registration that falls into it. */
function admitted(
  registration: RegisterMessage,
  known: RegistryEntry | undefined,
  at: string,
): RegistryEntry {
  const now = Date.parse(at);
  const duel = known && duelOf(registration, known);
  const conduct = duel ? afterMishap(known?.conduct, duel, now) : known?.conduct;
  const quarantine = quarantineAt(conduct, now);
  return {
    registration,
    state: "registering",
    reasons: quarantine === undefined ? [] : [quarantineText(quarantine)],
    changedAt: at,
    isProven: false,
    ...(conduct && { conduct }),
  };
}

/** A process that takes the place of another live one: it died unseen, or two have one id. */
function duelOf(registration: RegisterMessage, known: RegistryEntry): Mishap | undefined {
  const { hostname, pid } = known.registration;
  const isSame = registration.hostname === hostname && registration.pid === pid;
  if (isSame || known.state === "offline") return undefined;
  return { why: `it took the place of process ${pid} on ${hostname}`, isGrave: false };
}

function changed(
  before: RegistryEntry,
  { to, reasons, at }: WorkerStateEvent,
  mishap: Mishap | undefined,
): RegistryEntry {
  const conduct = mishap ? afterMishap(before.conduct, mishap, Date.parse(at)) : before.conduct;
  const isProven = to === "healthy" ? true : before.isProven;
  return {
    ...before,
    state: to,
    reasons,
    changedAt: at,
    ...(isProven === undefined ? {} : { isProven }),
    ...(conduct && { conduct }),
  };
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
