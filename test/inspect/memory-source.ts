import { chartOf } from "../../src/domain/chart.ts";
import type { Followed } from "../../src/messages/followed.ts";
import {
  type ActorRecord,
  actorKey,
  type InspectionListener,
  type InspectionSink,
  type InspectionSource,
  type Located,
  type MachineDefinition,
  type NodeInfo,
} from "../../src/messages/inspection.ts";

const CONFIG = {
  id: "worker",
  initial: "healthy",
  states: { healthy: { on: { SLOW: "degraded" } }, degraded: {} },
};

export const WORKER_MACHINE: MachineDefinition = {
  v: 1,
  hash: "0123456789abcdef",
  id: "worker",
  config: CONFIG,
  chart: chartOf({ id: "worker", config: CONFIG }),
};

/** The actors of a fleet that is in this process: what is told to a sink comes out of a source. */
export class MemoryFleet implements InspectionSource, InspectionSink {
  readonly actors = new Map<string, ActorRecord>();
  readonly machines = new Map<string, MachineDefinition>([[WORKER_MACHINE.hash, WORKER_MACHINE]]);
  readonly nodes = new Map<string, NodeInfo>();
  readonly published: ActorRecord[] = [];
  readonly listeners = new Set<InspectionListener>();
  /** How often somebody has begun to watch. */
  watched = 0;
  /** What was asked to be told in full, one after the other. */
  readonly followed: Followed[] = [];
  #seq = 0;

  async watch(listener: InspectionListener, followed: Followed = "all") {
    this.watched += 1;
    this.followed.push(followed);
    this.listeners.add(listener);
    for (const node of this.nodes.values()) listener.node(node);
    for (const machine of this.machines.values()) listener.machine(machine);
    for (const record of this.actors.values()) listener.record(record, false);
    return {
      complete: Promise.resolve(),
      follow: (others: Followed) => {
        this.followed.push(others);
      },
      stop: () => {
        this.listeners.delete(listener);
      },
    };
  }

  publish(_: Located, text: string): boolean {
    const record: ActorRecord = JSON.parse(text);
    this.published.push(record);
    this.tell((listener) => listener.record(record, true));
    return true;
  }

  async put(_: Located, text: string): Promise<void> {
    const record: ActorRecord = JSON.parse(text);
    this.actors.set(actorKey(record), record);
    this.tell((listener) => listener.record({ ...record, seq: 0 }, false));
  }

  async remove(node: string, address: string): Promise<void> {
    this.actors.delete(actorKey({ node, address }));
    this.tell((listener) => listener.gone(node, address));
  }

  async define(machine: MachineDefinition): Promise<void> {
    this.machines.set(machine.hash, machine);
    this.tell((listener) => listener.machine(machine));
  }

  tell(say: (listener: InspectionListener) => void): void {
    for (const listener of this.listeners) say(listener);
  }

  /** Puts an actor there, and tells who watches. */
  act(changes: Partial<ActorRecord> & { readonly address: string }): ActorRecord {
    const record = this.record(changes);
    this.actors.set(actorKey(record), record);
    this.publish(record, JSON.stringify(record));
    return record;
  }

  /** The next record of an actor: healthy, one millisecond later than the one before. */
  record(changes: Partial<ActorRecord> & { readonly address: string }): ActorRecord {
    this.#seq += 1;
    return {
      v: 1,
      kind: "transition",
      node: "n-1",
      incarnation: "i-1",
      seq: this.#seq,
      at: new Date(Date.UTC(2026, 0, 1) + this.#seq).toISOString(),
      machine: WORKER_MACHINE.hash,
      machineId: "worker",
      state: "healthy",
      value: "healthy",
      status: "active",
      tags: [],
      context: { reasons: ["ok"] },
      actions: [],
      timers: [],
      ...changes,
    };
  }

  /** So many workers, without telling anyone: they were there before. */
  fill(count: number): void {
    for (let i = 0; i < count; i++) {
      const record = this.record({ kind: "actor", address: `worker/w-${i}` });
      this.actors.set(actorKey(record), record);
    }
  }
}

export function nodeInfo(node: string): NodeInfo {
  return {
    v: 1,
    node,
    kind: "worker",
    hostname: "host",
    pid: 1,
    version: "0",
    actors: 1,
    dropped: 0,
  };
}
