import { type Followed, isSameFollowed, unionOf } from "../messages/followed.ts";
import {
  type ActorRecord,
  actorKey,
  type InspectionListener,
  type InspectionSource,
  type MachineDefinition,
  type NodeInfo,
} from "../messages/inspection.ts";
import { isNewer, isOver, withContext } from "../messages/newer.ts";
import { Watching } from "./watching.ts";

/** What a viewer is told of the mirror; what is there already it reads from the mirror itself. */
export interface MirrorListener {
  /** An actor is new or did something; its latest record is in the mirror. */
  record(key: string, record: ActorRecord, isLive: boolean): void;
  /** It is not in the mirror any more. */
  gone(key: string, record: ActorRecord): void;
  machine(machine: MachineDefinition): void;
  /** A node came, went, or tells other numbers; `hasTurned`: its actors are lost, or found again (`isLost`). */
  node(node: string, hasTurned: boolean): void;
}

/** A viewer's place at the mirror. */
export interface Attachment {
  /** Follows these in place of those before. */
  follow(followed: Followed): void;
  leave(): void;
}

export interface MirrorOptions {
  /** How long actors are watched on when the last viewer has left; default 15 s. */
  readonly lingerMs?: number;
  /** Default 50,000. Further ones are not shown, and counted. */
  readonly maxActors?: number;
  /** Those of them that have ended; default 2,000, the latest. */
  readonly maxEnded?: number;
  /** Until the bus is asked again after it could not be; default 1 s. */
  readonly retryMs?: number;
  readonly onTrouble: (reason: string, detail: unknown) => void;
}

const DEFAULTS = { lingerMs: 15_000, maxActors: 50_000, maxEnded: 2_000, retryMs: 1_000 };
const MAX_MACHINES = 5_000;

/**
 * The actors of all processes as they are now, for as long as somebody looks and a little longer.
 *
 * Watched once, however many look: what the processes tell is paid for by each of them.
 */
export class Mirror {
  readonly #source: InspectionSource;
  readonly #options: Required<MirrorOptions>;
  readonly #listeners = new Map<MirrorListener, Followed>();
  #followed: Followed = [];
  readonly #actors = new Map<string, ActorRecord>();
  readonly #ended = new Set<string>();
  readonly #machines = new Map<string, MachineDefinition>();
  readonly #nodes = new Map<string, NodeInfo>();
  readonly #lost = new Set<string>();
  readonly #skipped = new Set<string>();
  #watching: Watching | undefined;
  #leaving: NodeJS.Timeout | undefined;

  constructor(source: InspectionSource, options: MirrorOptions) {
    this.#source = source;
    this.#options = { ...DEFAULTS, ...options };
  }

  /** By `actorKey`. */
  get actors(): ReadonlyMap<string, ActorRecord> {
    return this.#actors;
  }

  /** By hash. */
  get machines(): ReadonlyMap<string, MachineDefinition> {
    return this.#machines;
  }

  get nodes(): ReadonlyMap<string, NodeInfo> {
    return this.#nodes;
  }

  /** How many actors there were no room for; counted up to as many again as are shown. */
  get skipped(): number {
    return this.#skipped.size;
  }

  /** Whether anybody is being watched. */
  get isWatching(): boolean {
    return this.#watching !== undefined;
  }

  /** Whether the node of an actor does not answer any more. */
  isLost(record: ActorRecord): boolean {
    return this.#lost.has(record.node);
  }

  /** Tells `listener` what changes from now on, until it leaves. */
  attach(listener: MirrorListener, followed: Followed): Attachment {
    clearTimeout(this.#leaving);
    const follow = (others: Followed) => {
      this.#listeners.set(listener, others);
      this.#follow();
    };
    follow(followed);
    this.#watching ??= new Watching(this.#source, this.#hear(), this.#followed, this.#options);
    const leave = () => {
      if (!this.#listeners.delete(listener)) return;
      this.#follow();
      if (this.#listeners.size === 0) this.#leave();
    };
    return { follow, leave };
  }

  #follow(): void {
    const followed = unionOf(this.#listeners.values());
    if (isSameFollowed(followed, this.#followed)) return;
    this.#followed = followed;
    this.#watching?.follow(followed);
  }

  /** Resolves when all that answered when watching began have been heard, or nobody is watched. */
  complete(): Promise<void> {
    return this.#watching?.complete ?? Promise.resolve();
  }

  close(): void {
    clearTimeout(this.#leaving);
    this.#listeners.clear();
    this.#forget();
  }

  #leave(): void {
    clearTimeout(this.#leaving);
    this.#leaving = setTimeout(() => this.#forget(), this.#options.lingerMs).unref();
  }

  /** What is not watched gets old without a sign of it, so none of it is kept. */
  #forget(): void {
    this.#watching?.stop();
    this.#watching = undefined;
    for (const each of [this.#actors, this.#ended, this.#machines]) each.clear();
    for (const each of [this.#nodes, this.#lost, this.#skipped]) each.clear();
  }

  #tell(say: (listener: MirrorListener) => void): void {
    for (const listener of this.#listeners.keys()) say(listener);
  }

  #hear(): InspectionListener {
    return {
      record: (record, isLive) => this.#record(record, isLive),
      machine: (machine) => this.#machine(machine),
      node: (info) => {
        this.#nodes.set(info.node, info);
        const isFound = this.#lost.delete(info.node);
        this.#tell((listener) => listener.node(info.node, isFound));
      },
      nodeGone: (node) => {
        this.#nodes.delete(node);
        if (this.#lost.has(node)) return;
        this.#lost.add(node);
        this.#tell((listener) => listener.node(node, true));
      },
      gone: (node, address) => this.#drop(actorKey({ node, address })),
    };
  }

  #record(told: ActorRecord, isLive: boolean): void {
    const key = actorKey(told);
    const known = this.#actors.get(key);
    if (known === undefined ? !this.#hasRoom(key) : !isNewer(told, known)) return;
    const record = withContext(told, known);
    this.#actors.set(key, record);
    if (isLive && this.#lost.delete(record.node))
      this.#tell((listener) => listener.node(record.node, true));
    this.#noteEnd(key, isOver(record));
    this.#tell((listener) => listener.record(key, record, isLive));
  }

  #hasRoom(key: string): boolean {
    const { maxActors, onTrouble } = this.#options;
    if (this.#actors.size < maxActors) return true;
    const [ended] = this.#ended;
    if (ended !== undefined) {
      this.#drop(ended);
      return true;
    }
    if (this.#skipped.size < maxActors) this.#skipped.add(key);
    onTrouble("more actors than can be shown", { maxActors, skipped: this.#skipped.size });
    return false;
  }

  #noteEnd(key: string, hasEnded: boolean): void {
    this.#ended.delete(key);
    if (!hasEnded) return;
    this.#ended.add(key);
    const [oldest] = this.#ended;
    if (this.#ended.size > this.#options.maxEnded && oldest !== undefined) this.#drop(oldest);
  }

  #drop(key: string): void {
    const record = this.#actors.get(key);
    this.#skipped.delete(key);
    this.#ended.delete(key);
    if (record === undefined) return;
    this.#actors.delete(key);
    this.#tell((listener) => listener.gone(key, record));
  }

  #machine(machine: MachineDefinition): void {
    if (this.#machines.has(machine.hash)) return;
    if (this.#machines.size >= MAX_MACHINES) {
      this.#options.onTrouble("more machines than can be shown", { maxMachines: MAX_MACHINES });
      return;
    }
    this.#machines.set(machine.hash, machine);
    this.#tell((listener) => listener.machine(machine));
  }
}
