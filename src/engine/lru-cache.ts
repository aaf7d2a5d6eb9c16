export interface LruLimits<K> {
  readonly maxEntries: number;
  /** Largest sum of the weights of all keys; no limit where absent. */
  readonly maxWeight?: number;
  /** Default 1. Must give the same for the same key. */
  readonly weigh?: (key: K) => number;
}

/** A map that forgets what was not used longest once it holds more than its limits. */
export class LruCache<K, V> {
  readonly #entries = new Map<K, V>();
  readonly #limits: Required<LruLimits<K>>;
  #weight = 0;

  constructor(limits: LruLimits<K>) {
    this.#limits = { maxWeight: Number.POSITIVE_INFINITY, weigh: () => 1, ...limits };
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    const value = this.#entries.get(key);
    if (value === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, value);
    return value;
  }

  /** Keeps the entry, unless it alone is beyond the limits. */
  set(key: K, value: V): void {
    this.#remove(key);
    const weight = this.#limits.weigh(key);
    if (weight > this.#limits.maxWeight) return;
    this.#entries.set(key, value);
    this.#weight += weight;
    while (this.#isOver()) this.#remove(this.#entries.keys().next().value as K);
  }

  #isOver(): boolean {
    const { maxEntries, maxWeight } = this.#limits;
    return this.#entries.size > maxEntries || this.#weight > maxWeight;
  }

  #remove(key: K): void {
    if (this.#entries.delete(key)) this.#weight -= this.#limits.weigh(key);
  }
}
