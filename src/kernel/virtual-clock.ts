import type { Clock, TimerId } from "./clock.ts";

interface Timer {
  readonly id: TimerId;
  readonly dueAt: number;
  readonly run: () => void;
  readonly stillMs: (() => number) | undefined;
}

/**
 * A clock that stands still until it is moved. Timers run in the order of their deadlines, those set
 * by other timers on the way included, and each sees the time it was set for.
 */
export class VirtualClock implements Clock {
  /** Sorted by deadline; of two for the same time the one that was set first comes first. */
  readonly #timers: Timer[] = [];
  #now: number;
  #lastId = 0;

  constructor(startAt = 0) {
    this.#now = startAt;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.length;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, delayMs: number, stillMs?: () => number): TimerId {
    const id = ++this.#lastId;
    this.#insert({ id, dueAt: this.#now + Math.max(0, delayMs), run, stillMs });
    return id;
  }

  clearTimeout(id: TimerId): void {
    const index = this.#timers.findIndex((timer) => timer.id === id);
    if (index >= 0) this.#timers.splice(index, 1);
  }

  /** Moves time forward and runs every timer that is due on the way. */
  advance(byMs: number): void {
    const until = this.#now + byMs;
    for (let next = this.#timers[0]; next && next.dueAt <= until; next = this.#timers[0]) {
      this.#timers.shift();
      this.#now = Math.max(this.#now, next.dueAt);
      const leftMs = next.stillMs?.() ?? 0;
      if (leftMs > 0) this.#insert({ ...next, dueAt: this.#now + leftMs });
      else next.run();
    }
    this.#now = until;
  }

  #insert(timer: Timer): void {
    const before = this.#timers.findLastIndex(({ dueAt }) => dueAt <= timer.dueAt);
    this.#timers.splice(before + 1, 0, timer);
  }
}
