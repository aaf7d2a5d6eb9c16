/** A timer of a clock, to clear it by. */
export type TimerId = number;

/** A clock whose timers are asked, when their time has come, whether to wait longer. */
export class PatientClock implements Clock {
  readonly #clock: Clock;
  readonly #stillMs: () => number;

  constructor(clock: Clock, stillMs: () => number) {
    this.#clock = clock;
    this.#stillMs = stillMs;
  }

  now(): number {
    return this.#clock.now();
  }

  setTimeout(run: () => void, delayMs: number): TimerId {
    return this.#clock.setTimeout(run, delayMs, this.#stillMs);
  }

  clearTimeout(id: TimerId): void {
    this.#clock.clearTimeout(id);
  }
}

/** Time as the actors see it. `now` is monotonic and in milliseconds: wall-clock steps do not move it. */
export interface Clock {
  now(): number;
  /**
   * Calls `run` once, after `delayMs`. With `stillMs`, that is asked first when the time has come: for as
   * long as it gives more than 0 the timer waits on for so many ms instead.
   */
  setTimeout(run: () => void, delayMs: number, stillMs?: () => number): TimerId;
  clearTimeout(id: TimerId): void;
}
