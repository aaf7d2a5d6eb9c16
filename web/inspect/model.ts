import type { ActorRecord, NodeInfo } from "../../src/messages/inspection.ts";
import type { ActorSummary, LiveMessage, PageMachine } from "../../src/messages/inspection-live.ts";

export type Connection = "connecting" | "live" | "lost" | "login";

/** Of each actor that is followed, and of the log of all, so many records are kept. */
const KEPT = 400;

export function keyOf({ node, address }: Pick<ActorRecord, "node" | "address">): string {
  return `${node}/${address}`;
}

/** All that the page knows. Changed by messages only. */
export class Model {
  connection: Connection = "connecting";
  /** Whether all actors have been told. */
  isComplete = false;
  nodes: readonly NodeInfo[] = [];
  /** Records that this page was too slow for. */
  dropped = 0;
  refused: string | undefined;
  readonly actors = new Map<string, ActorSummary>();
  readonly machines = new Map<string, PageMachine>();
  /** The latest records of all actors that were told in full or as events, oldest first. */
  log: ActorRecord[] = [];
  readonly #records = new Map<string, ActorRecord[]>();
  readonly #listeners = new Set<() => void>();
  #ordered: ActorSummary[] | undefined;

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** In the order in which they are listed: by machine, then by address. */
  get ordered(): readonly ActorSummary[] {
    this.#ordered ??= [...this.actors.values()].sort(
      (a, b) =>
        compare(this.machineId(a), this.machineId(b)) ||
        compareNatural(a.address, b.address) ||
        compare(a.node, b.node),
    );
    return this.#ordered;
  }

  machineId({ machine }: Pick<ActorSummary, "machine">): string {
    return this.machines.get(machine)?.id ?? machine;
  }

  /** What an actor that is followed did, oldest first. */
  recordsOf(key: string): readonly ActorRecord[] {
    return this.#records.get(key) ?? [];
  }

  connected(connection: Connection): void {
    this.connection = connection;
    this.#changed();
  }

  /** Forgets what others than these did. */
  keepOnly(keys: readonly string[]): void {
    for (const key of this.#records.keys()) if (!keys.includes(key)) this.#records.delete(key);
  }

  take(message: LiveMessage): void {
    switch (message.type) {
      case "hello":
        this.connection = "live";
        break;
      case "nodes":
        this.nodes = message.nodes;
        break;
      case "machines":
        for (const machine of message.machines) this.machines.set(machine.hash, machine);
        this.#ordered = undefined;
        break;
      case "actors":
        if (message.first) this.#forget();
        this.#put(message.actors);
        if (message.complete) this.isComplete = true;
        break;
      case "changes":
        this.#put(message.actors);
        for (const key of message.gone) if (this.actors.delete(key)) this.#ordered = undefined;
        break;
      case "records":
        this.dropped = message.dropped;
        this.#note(message.records);
        break;
      case "refused":
        this.refused = message.reason;
        break;
    }
    this.#changed();
  }

  #forget(): void {
    this.actors.clear();
    this.#ordered = undefined;
    this.isComplete = false;
  }

  #put(actors: readonly ActorSummary[]): void {
    for (const actor of actors) {
      const known = this.actors.get(actor.key);
      this.actors.set(actor.key, actor);
      if (known === undefined || known.machine !== actor.machine) this.#ordered = undefined;
      // The order stays, and with it the list that is cached: only the entry is another one.
      else if (this.#ordered !== undefined) this.#replace(known, actor);
    }
  }

  readonly #places = new Map<string, number>();
  #placesOf: ActorSummary[] | undefined;

  #replace(known: ActorSummary, actor: ActorSummary): void {
    const list = this.#ordered as ActorSummary[];
    if (this.#placesOf !== list) {
      this.#placesOf = list;
      this.#places.clear();
      for (const [place, { key }] of list.entries()) this.#places.set(key, place);
    }
    const place = this.#places.get(known.key);
    if (place !== undefined) list[place] = actor;
  }

  #note(records: readonly ActorRecord[]): void {
    for (const record of records) {
      const key = keyOf(record);
      const list = this.#records.get(key) ?? [];
      if (record.context !== undefined && !isKnown(list, record)) {
        list.push(record);
        this.#records.set(key, list.length > KEPT ? list.slice(-KEPT / 2) : list);
      }
      if (record.kind !== "actor" && !isKnown(this.log, record)) this.log.push(record);
    }
    if (this.log.length > KEPT) this.log = this.log.slice(-KEPT / 2);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }
}

/** The latest of an actor is told again when it begins to be followed. */
function isKnown(list: readonly ActorRecord[], { node, address, seq, at }: ActorRecord): boolean {
  const known = list.findLast((each) => each.node === node && each.address === address);
  return known !== undefined && known.seq === seq && known.at === at;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

const natural = new Intl.Collator("en", { numeric: true });

/** `worker/w-2` before `worker/w-10`. */
function compareNatural(a: string, b: string): number {
  return natural.compare(a, b);
}
