import { ActorTable } from "./actor-table.ts";
import type { InspectionListener, InspectionSource, InspectionWatch } from "./inspection.ts";

/**
 * One watch of a source for many who watch, since each watch reads all actors of all processes. Who
 * comes later is told first what is known. The source is watched while anybody is.
 */
export function sharedSource(source: InspectionSource): InspectionSource {
  let shared: SharedWatch | undefined;
  return {
    async watch(listener) {
      shared ??= new SharedWatch(source, () => {
        shared = undefined;
      });
      return shared.join(listener);
    },
  };
}

class SharedWatch {
  readonly #table = new ActorTable();
  readonly #listeners = new Set<InspectionListener>();
  readonly #watch: Promise<InspectionWatch>;
  readonly #over: () => void;

  constructor(source: InspectionSource, over: () => void) {
    this.#over = over;
    this.#watch = source.watch({
      record: (record, isLive) => {
        this.#table.record(record);
        for (const each of this.#listeners) each.record(record, isLive);
      },
      machine: (machine) => {
        this.#table.machine(machine);
        for (const each of this.#listeners) each.machine(machine);
      },
      node: (node) => {
        this.#table.node(node);
        for (const each of this.#listeners) each.node(node);
      },
      nodeGone: (node) => {
        this.#table.nodeGone(node);
        for (const each of this.#listeners) each.nodeGone(node);
      },
      gone: (node, address) => {
        this.#table.gone(node, address);
        for (const each of this.#listeners) each.gone(node, address);
      },
    });
    // Who joins hears of it; nobody else is there to hear.
    this.#watch.catch(() => this.#over());
  }

  async join(listener: InspectionListener): Promise<InspectionWatch> {
    for (const machine of this.#table.machines()) listener.machine(machine);
    for (const node of this.#table.nodes()) listener.node(node);
    for (const record of this.#table.actors()) listener.record(record, false);
    this.#listeners.add(listener);
    try {
      const { complete } = await this.#watch;
      return { complete, stop: () => this.#leave(listener) };
    } catch (error) {
      this.#leave(listener);
      throw error;
    }
  }

  #leave(listener: InspectionListener): void {
    if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
    this.#over();
    // What could not be begun needs no end.
    this.#watch.then((watch) => watch.stop()).catch(() => {});
  }
}
