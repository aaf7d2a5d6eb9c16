/** A timer of a clock, to clear it by. */
export type TimerId = number;

/** Time as the actors see it. `now` is monotonic and in milliseconds: wall-clock steps do not move it. */
export interface Clock {
  now(): number;
  setTimeout(run: () => void, delayMs: number): TimerId;
  clearTimeout(id: TimerId): void;
}
