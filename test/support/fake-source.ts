import type { Followed } from "../../src/messages/followed.ts";
import type {
  ActorRecord,
  InspectionListener,
  InspectionSource,
  NodeInfo,
} from "../../src/messages/inspection.ts";

/** A record of a healthy worker as `o-1` sees it, with some fields changed. */
export function recordOf(changes: Partial<ActorRecord> = {}): ActorRecord {
  return {
    v: 1,
    kind: "actor",
    node: "o-1",
    address: "worker/w-1",
    incarnation: "01A",
    seq: 0,
    at: "2026-01-01T00:00:00.000Z",
    machine: "hash-worker",
    machineId: "worker",
    state: "healthy",
    value: changes.state ?? "healthy",
    status: "active",
    tags: ["alive", "assignable"],
    context: { reasons: [] },
    actions: [],
    timers: [],
    ...changes,
  };
}

export function nodeOf(node: string, changes: Partial<NodeInfo> = {}): NodeInfo {
  const identity = { hostname: "box", pid: 1, version: "0.1.0" };
  return { v: 1, node, kind: "orchestrator", ...identity, actors: 1, dropped: 0, ...changes };
}

/** A source without a bus: it tells what it was given, and then what the test tells. */
export class FakeSource implements InspectionSource {
  /** How often it was asked. */
  asked = 0;
  /** What was to be told in full, one after the other. */
  readonly followed: Followed[] = [];
  readonly #listeners = new Set<InspectionListener>();
  readonly #records: readonly ActorRecord[];
  readonly #complete: Promise<void>;

  constructor(records: readonly ActorRecord[] = [], complete: Promise<void> = Promise.resolve()) {
    this.#records = records;
    this.#complete = complete;
  }

  /** How many watch now. */
  get watchers(): number {
    return this.#listeners.size;
  }

  async watch(listener: InspectionListener, followed: Followed = "all") {
    this.asked += 1;
    this.followed.push(followed);
    this.#listeners.add(listener);
    for (const node of new Set(this.#records.map((record) => record.node)))
      listener.node(nodeOf(node));
    for (const record of this.#records) listener.record(record, false);
    return {
      complete: this.#complete,
      follow: (others: Followed) => void this.followed.push(others),
      stop: () => void this.#listeners.delete(listener),
    };
  }

  tell(record: ActorRecord): void {
    for (const listener of this.#listeners) listener.record(record, true);
  }

  /** A node answers. */
  beat(node: string): void {
    for (const listener of this.#listeners) listener.node(nodeOf(node));
  }

  nodeGone(node: string): void {
    for (const listener of this.#listeners) listener.nodeGone(node);
  }

  gone(node: string, address: string): void {
    for (const listener of this.#listeners) listener.gone(node, address);
  }
}
