import type { Flow } from "./flow.ts";
import type { FlowGraph } from "./flow-graph.ts";

/**
 * Tells whether node `earlier` is always settled before node `later` runs, so that an expression in
 * `later` may read its output. True for every ancestor, except behind a `join: any`: that node does
 * not wait for all its connections, so only what all of them have in common counts.
 *
 * The graph must have no cycle. One row of bits per node, filled at the first question.
 */
export function settledBefore(
  flow: Flow,
  graph: FlowGraph,
): (earlier: number, later: number) => boolean {
  let rows: readonly Uint32Array[] | undefined;
  return (earlier, later) => {
    rows ??= ancestorRows(flow, graph);
    return hasBit(rows[later], earlier);
  };
}

function ancestorRows(flow: Flow, graph: FlowGraph): Uint32Array[] {
  const words = Math.ceil(flow.nodes.length / 32);
  const rows = flow.nodes.map(() => new Uint32Array(words));
  for (const node of graph.order) {
    const sources = (graph.inEdges[node] ?? []).map((edge) => graph.edges[edge]?.from as number);
    const isAny = flow.nodes[node]?.join === "any";
    const combine = isAny ? intersect : unite;
    const withSelf = sources.map((source) => withBit(rows[source] as Uint32Array, source));
    const [first, ...others] = withSelf;
    if (first === undefined) continue;
    for (const other of others) combine(first, other);
    rows[node] = first as Uint32Array<ArrayBuffer>;
  }
  return rows;
}

function withBit(row: Uint32Array, bit: number): Uint32Array {
  const copy = row.slice();
  copy[bit >> 5] = (copy[bit >> 5] as number) | (1 << (bit & 31));
  return copy;
}

function unite(into: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < into.length; word++) {
    into[word] = (into[word] as number) | (other[word] as number);
  }
}

function intersect(into: Uint32Array, other: Uint32Array): void {
  for (let word = 0; word < into.length; word++) {
    into[word] = (into[word] as number) & (other[word] as number);
  }
}

function hasBit(row: Uint32Array | undefined, bit: number): boolean {
  return (((row?.[bit >> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
}
