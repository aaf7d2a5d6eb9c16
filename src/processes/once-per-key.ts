const MOST_KEYS = 10_000;

/** Does something for each key so often at the most. */
export class OncePerKey {
  readonly #everyMs: number;
  readonly #doneAt = new Map<string, number>();

  constructor(everyMs: number) {
    this.#everyMs = everyMs;
  }

  /** Whether it is time again; counts as done then. `now` is in milliseconds. */
  isDue(key: string, now: number): boolean {
    if (now - (this.#doneAt.get(key) ?? Number.NEGATIVE_INFINITY) < this.#everyMs) return false;
    // Anybody can make up keys; to do something once too often is harmless.
    if (this.#doneAt.size >= MOST_KEYS) this.#doneAt.clear();
    this.#doneAt.set(key, now);
    return true;
  }
}
