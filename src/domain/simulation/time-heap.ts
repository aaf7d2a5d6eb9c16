/** Things that will happen, the next one on top. */
export class TimeHeap<T> {
  readonly #items: { readonly atMs: number; readonly item: T }[] = [];

  /** When the next one is due; Infinity when nothing is. */
  get nextMs(): number {
    return this.#items[0]?.atMs ?? Number.POSITIVE_INFINITY;
  }

  push(atMs: number, item: T): void {
    const items = this.#items;
    items.push({ atMs, item });
    for (let child = items.length - 1; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (!this.#isSooner(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  pop(): T | undefined {
    const items = this.#items;
    const top = items[0];
    const last = items.pop();
    if (top === undefined || last === undefined) return undefined;
    if (items.length > 0) {
      items[0] = last;
      this.#sink();
    }
    return top.item;
  }

  #sink(): void {
    for (let parent = 0; ; ) {
      const left = 2 * parent + 1;
      const right = left + 1;
      let soonest = parent;
      if (left < this.#items.length && this.#isSooner(left, soonest)) soonest = left;
      if (right < this.#items.length && this.#isSooner(right, soonest)) soonest = right;
      if (soonest === parent) return;
      this.#swap(soonest, parent);
      parent = soonest;
    }
  }

  #isSooner(one: number, other: number): boolean {
    return (this.#items[one]?.atMs ?? 0) < (this.#items[other]?.atMs ?? 0);
  }

  #swap(one: number, other: number): void {
    const items = this.#items;
    const kept = items[one] as (typeof items)[number];
    items[one] = items[other] as (typeof items)[number];
    items[other] = kept;
  }
}
