import type { FlowClock } from "./run-types.ts";

/** A time limit that can be made to stand still. */
export class TimeLimit {
  readonly #clock: FlowClock;
  readonly #onOver: () => void;
  #leftMs: number;
  #since = 0;
  #timer: unknown;

  /** Stands still until `run` is called. */
  constructor(clock: FlowClock, limitMs: number, onOver: () => void) {
    this.#clock = clock;
    this.#leftMs = limitMs;
    this.#onOver = onOver;
  }

  run(): void {
    if (this.#timer !== undefined) return;
    this.#since = this.#clock.now();
    this.#timer = this.#clock.setTimeout(this.#onOver, this.#leftMs);
  }

  /** What is left of the time is kept for the next `run`. */
  halt(): void {
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#leftMs = Math.max(0, this.#leftMs - (this.#clock.now() - this.#since));
  }
}
