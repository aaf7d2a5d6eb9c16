/** A timer of a clock, to clear it by. */
export type TimerId = number;

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
