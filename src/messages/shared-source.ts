import { ActorTable } from "./actor-table.ts";
import { type Followed, isSameFollowed, unionOf } from "./followed.ts";
import type { InspectionListener, InspectionSource, InspectionWatch } from "./inspection.ts";

/**
 * One watch of a source for many who watch, since each watch reads all actors of all processes. Who
 * comes later is told first what is known. The source is watched while anybody is.
 */
export function sharedSource(source: InspectionSource): InspectionSource {
  let shared: SharedWatch | undefined;
  return {
    async watch(listener, followed = "all") {
      shared ??= new SharedWatch(source, followed, () => {
        shared = undefined;
      });
      return shared.join(listener, followed);
    },
  };
}

class SharedWatch {
  readonly #table = new ActorTable();
  readonly #listeners = new Map<InspectionListener, Followed>();
  readonly #watch: Promise<InspectionWatch>;
  readonly #over: () => void;
  #followed: Followed;

  constructor(source: InspectionSource, followed: Followed, over: () => void) {
    this.#over = over;
    this.#followed = followed;
    const all: InspectionListener = {
      record: (record, isLive) => this.#each((listener) => listener.record(record, isLive)),
      machine: (machine) => this.#each((listener) => listener.machine(machine)),
      node: (node) => this.#each((listener) => listener.node(node)),
      nodeGone: (node) => this.#each((listener) => listener.nodeGone(node)),
      gone: (node, address) => this.#each((listener) => listener.gone(node, address)),
    };
    this.#watch = source.watch(all, followed);
    // Who joins hears of it; nobody else is there to hear.
    this.#watch.catch(() => this.#over());
  }

  async join(listener: InspectionListener, followed: Followed): Promise<InspectionWatch> {
    for (const machine of this.#table.machines()) listener.machine(machine);
    for (const node of this.#table.nodes()) listener.node(node);
    for (const record of this.#table.actors()) listener.record(record, false);
    this.#listeners.set(listener, followed);
    try {
      const { complete } = await this.#watch;
      this.#follow();
      const follow = (others: Followed) => {
        if (!this.#listeners.has(listener)) return;
        this.#listeners.set(listener, others);
        this.#follow();
      };
      return { complete, follow, stop: () => this.#leave(listener) };
    } catch (error) {
      this.#leave(listener);
      throw error;
    }
  }

  #each(tell: (listener: InspectionListener) => void): void {
    tell(this.#table);
    for (const listener of this.#listeners.keys()) tell(listener);
  }

  #follow(): void {
    const followed = unionOf(this.#listeners.values());
    if (isSameFollowed(followed, this.#followed)) return;
    this.#followed = followed;
    // Who joins hears of what could not be begun.
    this.#watch.then((watch) => watch.follow(followed)).catch(() => {});
  }

  #leave(listener: InspectionListener): void {
    if (!this.#listeners.delete(listener)) return;
    if (this.#listeners.size > 0) {
      this.#follow();
      return;
    }
    this.#over();
    // What could not be begun needs no end.
    this.#watch.then((watch) => watch.stop()).catch(() => {});
  }
}
