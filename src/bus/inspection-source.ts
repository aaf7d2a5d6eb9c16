import { randomUUID } from "node:crypto";
import { createInbox, type Msg, type Subscription } from "nats";
import { actorOfKey, isCutKey } from "../messages/actor-address.ts";
import type { Followed } from "../messages/followed.ts";
import type {
  ActorRecord,
  InspectionListener,
  InspectionSource,
  InspectionWatch,
  MachineDefinition,
  NodeInfo,
  WatchRequest,
} from "../messages/inspection.ts";
import { followBucket } from "./bucket-follower.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";
import { NodeRoll } from "./node-roll.ts";

export interface InspectionSourceOptions {
  /** How often all nodes are asked again; default 5 s. */
  readonly renewMs?: number;
  readonly fault?: (error: unknown, what: string) => void;
}

const RENEW_MS = 5_000;
/** Times `renewMs`: for how long a node tells without being asked again. */
const WATCH_FACTOR = 3;

/** The actors of all processes on the bus. */
export class BusInspectionSource implements InspectionSource {
  readonly #bus: Bus;
  readonly #options: Required<InspectionSourceOptions>;

  constructor(bus: Bus, options: InspectionSourceOptions = {}) {
    this.#bus = bus;
    this.#options = { renewMs: RENEW_MS, fault: () => {}, ...options };
  }

  async watch(listener: InspectionListener, followed: Followed = "all"): Promise<InspectionWatch> {
    return new BusWatching(this.#bus, listener, followed, this.#options);
  }
}

/** One time of watching. */
class BusWatching implements InspectionWatch {
  readonly complete: Promise<void>;
  readonly #bus: Bus;
  readonly #listener: InspectionListener;
  readonly #options: Required<InspectionSourceOptions>;
  readonly #watcher = randomUUID();
  readonly #inbox = createInbox();
  readonly #subscriptions: readonly Subscription[];
  readonly #roll: NodeRoll;
  /** Whose entries are under keys that do not say all of their addresses. */
  readonly #ofCutKeys = new Map<string, Pick<ActorRecord, "node" | "address">>();
  readonly #stops: (() => void)[] = [];
  #timer: NodeJS.Timeout | undefined;
  #followed: Followed;
  #isStopped = false;

  constructor(
    bus: Bus,
    listener: InspectionListener,
    followed: Followed,
    options: Required<InspectionSourceOptions>,
  ) {
    this.#bus = bus;
    this.#listener = listener;
    this.#followed = followed;
    this.#options = options;
    const { nc, names } = bus;
    const goneAfterMs = 2.2 * options.renewMs;
    this.#roll = new NodeRoll(goneAfterMs, (node) => listener.nodeGone(node));
    // Before anybody is asked: what is told from then on is heard.
    this.#subscriptions = [
      nc.subscribe(this.#inbox, { callback: (error, msg) => this.#answered(error, msg) }),
      nc.subscribe(names.actor("*", ">"), { callback: (error, msg) => this.#told(error, msg) }),
    ];
    const machines = followBucket(bus, "machines", (_, text) => this.#machine(text), options.fault);
    const actors = followBucket(
      bus,
      "actors",
      (key, text) => (text === undefined ? this.#gone(key) : this.#record(key, text)),
      options.fault,
    );
    this.#stops.push(machines.stop, actors.stop);
    this.#ask(true);
    this.complete = this.#completed([machines, actors]);
    // Who waits for it hears why; who does not is told what there is all the same.
    this.complete.catch((error: unknown) => options.fault(error, "the actors are not complete"));
    this.#timer = setInterval(() => this.#renew(), options.renewMs);
    void this.#followConnection([machines, actors]);
  }

  follow(followed: Followed): void {
    this.#followed = followed;
    if (!this.#isStopped) this.#ask(false);
  }

  stop(): void {
    if (this.#isStopped) return;
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#roll.stop();
    for (const stop of this.#stops) stop();
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
  }

  async #completed(buckets: readonly { caughtUp(): Promise<void> }[]): Promise<void> {
    await this.#roll.quiet();
    await Promise.all(buckets.map((bucket) => bucket.caughtUp()));
    this.#roll.complete();
  }

  #ask(sync: boolean): void {
    const { nc, names } = this.#bus;
    if (nc.isClosed()) return;
    const forMs = WATCH_FACTOR * this.#options.renewMs;
    const follow = this.#followed === "all" ? undefined : this.#followed;
    const request: WatchRequest = { v: 1, watcher: this.#watcher, forMs, sync, follow };
    nc.publish(names.inspectionWatch, JSON.stringify(request), { reply: this.#inbox });
  }

  #renew(): void {
    this.#roll.look();
    this.#ask(false);
  }

  /** The bucket is in memory: a server that was started again knows of nobody. */
  async #followConnection(buckets: readonly { again(): void }[]): Promise<void> {
    for await (const status of this.#bus.nc.status()) {
      if (this.#isStopped) return;
      if (status.type !== "reconnect") continue;
      this.#roll.pardon();
      for (const bucket of buckets) bucket.again();
      this.#ask(true);
    }
  }

  #answered(error: Error | null, msg: Msg): void {
    if (error !== null || this.#isStopped) return;
    const info = jsonOf<NodeInfo>(msg);
    if (typeof info?.node !== "string" || info.v !== 1) return;
    this.#roll.heard(info);
    this.#listener.node(info);
  }

  #told(error: Error | null, msg: Msg): void {
    if (error !== null || this.#isStopped) return;
    const record = jsonOf<ActorRecord>(msg);
    if (isRecord(record)) this.#listener.record(record, true);
  }

  #record(key: string, text: string): void {
    const record = parsed<ActorRecord>(text);
    if (this.#isStopped || !isRecord(record)) return;
    if (isCutKey(key)) this.#ofCutKeys.set(key, record);
    this.#roll.mentioned(record.node);
    this.#listener.record(record, false);
  }

  #gone(key: string): void {
    const { node, address } = this.#ofCutKeys.get(key) ?? actorOfKey(key);
    this.#ofCutKeys.delete(key);
    if (!this.#isStopped) this.#listener.gone(node, address);
  }

  #machine(text: string | undefined): void {
    const machine = text === undefined ? undefined : parsed<MachineDefinition>(text);
    const isSound = machine?.v === 1 && typeof machine.hash === "string" && machine.chart;
    if (isSound && !this.#isStopped) this.#listener.machine(machine);
  }
}

/** What anybody may have written there. */
function isRecord(record: ActorRecord | undefined): record is ActorRecord {
  if (typeof record !== "object" || record === null || record.v !== 1) return false;
  const { node, address, incarnation, at, state, machine, machineId, status, kind, seq } = record;
  const texts = [node, address, incarnation, at, state, machine, machineId, status, kind];
  const lists = [record.actions, record.tags, record.timers];
  return (
    texts.every((text) => typeof text === "string") &&
    lists.every((list) => Array.isArray(list)) &&
    Number.isSafeInteger(seq)
  );
}

function parsed<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
