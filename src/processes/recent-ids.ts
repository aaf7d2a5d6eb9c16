/**
 * The ids that were added last: at least `least` of them, at most twice as many. Kept in two
 * generations, since taking the oldest out of one set gets slower with every one taken.
 */
export class RecentIds {
  readonly #least: number;
  #young = new Set<string>();
  #old = new Set<string>();

  constructor(least: number) {
    this.#least = least;
  }

  add(id: string): void {
    this.#young.add(id);
    if (this.#young.size < this.#least) return;
    this.#old = this.#young;
    this.#young = new Set();
  }

  has(id: string): boolean {
    return this.#young.has(id) || this.#old.has(id);
  }
}
