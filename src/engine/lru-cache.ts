/** A map that forgets what was not used longest once it holds more than `maxEntries`. */
export class LruCache<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #maxEntries: number;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined || this.#entries.size < this.#maxEntries) return value;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  set(key: K, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size > this.#maxEntries) this.deleteOldest();
  }

  /** Removes the entry that was not used longest and returns its key. */
  deleteOldest(): K | undefined {
    const oldest = this.#entries.keys().next();
    if (oldest.done) return undefined;
    this.#entries.delete(oldest.value);
    return oldest.value;
  }
}
