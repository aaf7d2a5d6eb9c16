import { type FlowGraph, peel } from "./flow-graph.ts";

/** Enough to mend a flow in one go without flooding the answer. */
const MAX_CYCLES = 10;

/**
 * Cycles of the graph, each as edge indexes in walking order from its first node; they share no
 * node. Empty for a graph without cycles, at most ten else.
 */
export function findCycles(graph: FlowGraph): number[][] {
  const cycles: number[][] = [];
  const removed = new Set(graph.order);
  while (removed.size < graph.rank.length && cycles.length < MAX_CYCLES) {
    const cycle = oneCycle(graph, removed);
    if (cycle.length === 0) return cycles;
    cycles.push(cycle);
    for (const edge of cycle) removed.add(graph.edges[edge]?.from as number);
    for (const node of peel(graph, removed)) removed.add(node);
  }
  return cycles;
}

/** Walks against the arrows: what `peel` left over has a source that was left over too. */
function oneCycle(graph: FlowGraph, removed: ReadonlySet<number>): number[] {
  const start = graph.rank.findIndex((_, node) => !removed.has(node));
  const path: number[] = [];
  const seenAt = new Map<number, number>();
  let node = start;
  while (!seenAt.has(node)) {
    seenAt.set(node, path.length);
    const edge = (graph.inEdges[node] ?? []).find((e) => !removed.has(graph.edges[e]?.from ?? -1));
    if (edge === undefined) return [];
    path.push(edge);
    node = graph.edges[edge]?.from as number;
  }
  return fromLowestNode(graph, path.slice(seenAt.get(node)).reverse());
}

/** The same cycle whatever node the search happened to start from. */
function fromLowestNode(graph: FlowGraph, cycle: readonly number[]): number[] {
  const froms = cycle.map((edge) => graph.edges[edge]?.from as number);
  const lowest = froms.indexOf(Math.min(...froms));
  return [...cycle.slice(lowest), ...cycle.slice(0, lowest)];
}
