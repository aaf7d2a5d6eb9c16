/** Nodes ready to start, the one that comes first in topological order on top. */
export class NodeHeap {
  readonly #rank: readonly number[];
  readonly #nodes: number[] = [];

  constructor(rank: readonly number[]) {
    this.#rank = rank;
  }

  get size(): number {
    return this.#nodes.length;
  }

  push(node: number): void {
    const nodes = this.#nodes;
    nodes.push(node);
    let child = nodes.length - 1;
    while (child > 0) {
      const parent = (child - 1) >> 1;
      if (!this.#isAbove(child, parent)) return;
      this.#swap(child, parent);
      child = parent;
    }
  }

  pop(): number | undefined {
    const nodes = this.#nodes;
    const top = nodes[0];
    const last = nodes.pop();
    if (last === undefined || nodes.length === 0) return top;
    nodes[0] = last;
    this.#sink();
    return top;
  }

  clear(): void {
    this.#nodes.length = 0;
  }

  #sink(): void {
    let parent = 0;
    while (true) {
      const left = 2 * parent + 1;
      if (left >= this.#nodes.length) return;
      const right = left + 1;
      const child = right < this.#nodes.length && this.#isAbove(right, left) ? right : left;
      if (!this.#isAbove(child, parent)) return;
      this.#swap(child, parent);
      parent = child;
    }
  }

  #isAbove(a: number, b: number): boolean {
    const rank = this.#rank;
    const nodes = this.#nodes;
    return (rank[nodes[a] as number] as number) < (rank[nodes[b] as number] as number);
  }

  #swap(a: number, b: number): void {
    const nodes = this.#nodes;
    [nodes[a], nodes[b]] = [nodes[b] as number, nodes[a] as number];
  }
}
