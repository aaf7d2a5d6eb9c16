import { type ActorRecord, actorKey, type MachineDefinition } from "../messages/inspection.ts";
import type { Mirror } from "./mirror.ts";

/** Receivers want one; it is the version of @statelyai/inspect whose messages these are. */
const VERSION = "0.7.2";
const MAX_ANCESTORS = 32;

/**
 * The messages of the protocol that Stately's inspector reads, as text (0.7: `@xstate.actor`,
 * `@xstate.event`, `@xstate.snapshot`). Session ids are actor keys, so that those of several
 * processes do not collide. Each is written once, however many receive it.
 */
export class StatelyTexts {
  readonly #mirror: Mirror;
  readonly #definitions = new WeakMap<MachineDefinition, string>();
  readonly #steps = new WeakMap<ActorRecord, readonly string[]>();

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  /** An actor as it is now; undefined while its definition has not come. */
  actor(record: ActorRecord): string | undefined {
    const machine = this.#mirror.machines.get(record.machine);
    if (machine === undefined) return undefined;
    return JSON.stringify({
      type: "@xstate.actor",
      name: record.address,
      parentId: record.parent && sessionOf(record, record.parent),
      definition: this.#definition(machine),
      snapshot: this.#snapshot(record),
      ...this.#common(record),
    });
  }

  /** What it did: the event, if there was one, and how it stands since. */
  step(record: ActorRecord): readonly string[] {
    const known = this.#steps.get(record);
    if (known !== undefined) return known;
    const { event, source } = record;
    const happened = JSON.stringify({
      type: "@xstate.event",
      event,
      sourceId: source && sessionOf(record, source),
      ...this.#common(record),
    });
    const texts = [...(event === undefined ? [] : [happened]), this.stand(record)];
    this.#steps.set(record, texts);
    return texts;
  }

  /** How it stands; `status` where that is known better than by its record. */
  stand(record: ActorRecord, status?: "stopped"): string {
    return JSON.stringify({
      type: "@xstate.snapshot",
      event: record.event ?? { type: "" },
      snapshot: { ...this.#snapshot(record), ...(status ? { status } : {}) },
      ...this.#common(record),
    });
  }

  #definition(machine: MachineDefinition): string {
    const known = this.#definitions.get(machine);
    if (known !== undefined) return known;
    const text = JSON.stringify(machine.config) ?? JSON.stringify({ id: machine.id });
    this.#definitions.set(machine, text);
    return text;
  }

  #snapshot(record: ActorRecord): object {
    const { value, context, tags, output, error } = record;
    // There is no message for the end of a process: its actors are shown as stopped until they are heard of.
    const status = this.#mirror.isLost(record) ? "stopped" : STATUS[record.status];
    return { status, value, context, tags, historyValue: {}, children: {}, output, error };
  }

  #common(record: ActorRecord): object {
    return {
      sessionId: actorKey(record),
      rootId: this.#root(record),
      createdAt: String(Date.parse(record.at)),
      id: null,
      _version: VERSION,
    };
  }

  /** Bounded: parents come from elsewhere, and could be in a circle. */
  #root(record: ActorRecord): string {
    let root = record;
    for (let i = 0; i < MAX_ANCESTORS && root.parent !== undefined; i++) {
      const parent = this.#mirror.actors.get(sessionOf(root, root.parent));
      if (parent === undefined) break;
      root = parent;
    }
    return actorKey(root);
  }
}

const STATUS = {
  active: "active",
  restarting: "active",
  faulted: "error",
  done: "done",
  stopped: "stopped",
} as const;

function sessionOf({ node }: ActorRecord, address: string): string {
  return actorKey({ node, address });
}
