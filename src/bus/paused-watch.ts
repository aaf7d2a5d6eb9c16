import { setTimeout as wait } from "node:timers/promises";
import type { QueuedIterator } from "nats";
import type { Lane } from "../domain/lane.ts";
import { PausedLanes } from "../domain/paused-lanes.ts";
import { changeOf, type FlagChange, type PausedFlags, type StoredFlag } from "./paused-flags.ts";

export interface PausedWatchEvents {
  /** An execution is paused, is paused still (its flag was written again), or is not any more. */
  readonly changed: (executionId: string) => void;
  readonly fault: (error: unknown, what: string) => void;
}

interface Waiter {
  readonly revision: number;
  readonly resolve: () => void;
}

const AGAIN_MS = 1_000;
const SEEN_MS = 1_000;

/** The executions that are paused, as one process knows them: a copy of the flags that follows them. */
export class PausedWatch {
  readonly #flags: PausedFlags;
  readonly #events: PausedWatchEvents;
  readonly #known = new Map<string, StoredFlag>();
  readonly #lanes = new PausedLanes();
  #revision = 0;
  #waiters: Waiter[] = [];
  #watcher: QueuedIterator<unknown> | undefined;
  #stopped = false;

  constructor(flags: PausedFlags, events: PausedWatchEvents) {
    this.#flags = flags;
    this.#events = events;
  }

  /** Resolves once what is paused now is known. */
  async start(): Promise<void> {
    for (const flag of await this.#flags.all()) this.#apply({ ...flag, flag });
    void this.#follow();
  }

  stop(): void {
    this.#stopped = true;
    this.#watcher?.stop();
  }

  /** Up to which revision of the bucket all flags are known. */
  get revision(): number {
    return this.#revision;
  }

  find(executionId: string): StoredFlag | undefined {
    return this.#known.get(executionId);
  }

  all(): StoredFlag[] {
    return [...this.#known.values()];
  }

  isIn(lane: Lane): boolean {
    return this.#lanes.has(lane);
  }

  /** Resolves once what was written at a revision is known here; after a second in any case. */
  seen(revision: number): Promise<void> {
    if (this.#revision >= revision) return Promise.resolve();
    const seen = new Promise<void>((resolve) => this.#waiters.push({ revision, resolve }));
    return Promise.race([seen, wait(SEEN_MS, undefined, { ref: false })]);
  }

  /** A watch that ends is begun anew: it then tells all that is there again. */
  async #follow(): Promise<void> {
    while (!this.#stopped) {
      try {
        const watcher = await this.#flags.watch();
        this.#watcher = watcher;
        if (this.#stopped) watcher.stop();
        for await (const entry of watcher) this.#apply(changeOf(entry));
      } catch (error) {
        if (!this.#stopped) this.#events.fault(error, "watch of what is paused");
      }
      if (!this.#stopped) await wait(AGAIN_MS, undefined, { ref: false });
    }
  }

  #apply({ executionId, revision, flag }: FlagChange): void {
    const before = this.#known.get(executionId);
    if (before !== undefined) this.#lanes.remove(before.lane);
    if (flag === undefined) this.#known.delete(executionId);
    else {
      this.#known.set(executionId, flag);
      this.#lanes.add(flag.lane);
    }
    this.#revision = Math.max(this.#revision, revision);
    if (before !== undefined || flag !== undefined) this.#events.changed(executionId);
    const isSeen = (waiter: Waiter) => waiter.revision <= this.#revision;
    for (const { resolve } of this.#waiters.filter(isSeen)) resolve();
    this.#waiters = this.#waiters.filter((waiter) => !isSeen(waiter));
  }
}
