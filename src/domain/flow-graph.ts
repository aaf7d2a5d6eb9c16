import type { Flow } from "./flow.ts";

/** A connection with its ends as indexes into `flow.nodes`. */
interface FlowEdge {
  readonly from: number;
  readonly fromPort: string;
  readonly to: number;
  readonly toPort: string;
  /** Index into `flow.connections`. */
  readonly connection: number;
}

/** The shape of a flow in index form: nodes by their place in `flow.nodes`, edges by place in `edges`. */
export interface FlowGraph {
  readonly edges: readonly FlowEdge[];
  readonly outEdges: readonly (readonly number[])[];
  readonly inEdges: readonly (readonly number[])[];
  /** Node indexes, sources before targets; of a flow with cycles only the nodes outside them. */
  readonly order: readonly number[];
  /** Place of each node in `order`, -1 for a node on or behind a cycle. */
  readonly rank: readonly number[];
}

/**
 * The graph of a flow. Takes any flow: connections that name no node or lead back to their own node
 * are left out (`checkGraph` reports them), so that the checks that follow see the rest.
 */
export function buildGraph(flow: Flow): FlowGraph {
  const edges = edgesOf(flow);
  const outEdges: number[][] = flow.nodes.map(() => []);
  const inEdges: number[][] = flow.nodes.map(() => []);
  edges.forEach((edge, index) => {
    outEdges[edge.from]?.push(index);
    inEdges[edge.to]?.push(index);
  });
  const order = peel({ edges, outEdges, inEdges });
  const rank: number[] = new Array<number>(flow.nodes.length).fill(-1);
  order.forEach((node, place) => {
    rank[node] = place;
  });
  return { edges, outEdges, inEdges, order, rank };
}

/** Index of each node id; the first one where ids repeat. */
export function nodeIndexes(flow: Flow): Map<string, number> {
  const indexes = new Map<string, number>();
  flow.nodes.forEach((node, index) => {
    if (!indexes.has(node.id)) indexes.set(node.id, index);
  });
  return indexes;
}

/**
 * Nodes in an order that puts sources first, skipping those in `removed`: Kahn's algorithm. What is
 * missing from the answer is on a cycle or behind one.
 */
export function peel(
  graph: Pick<FlowGraph, "edges" | "outEdges" | "inEdges">,
  removed: ReadonlySet<number> = new Set(),
): number[] {
  const waitsFor = graph.inEdges.map(
    (edges) => edges.filter((edge) => !removed.has(graph.edges[edge]?.from ?? -1)).length,
  );
  const order: number[] = [];
  waitsFor.forEach((count, node) => {
    if (count === 0 && !removed.has(node)) order.push(node);
  });
  for (let next = 0; next < order.length; next++) {
    for (const edge of graph.outEdges[order[next] as number] ?? []) {
      const target = graph.edges[edge]?.to as number;
      const left = (waitsFor[target] as number) - 1;
      waitsFor[target] = left;
      if (left === 0 && !removed.has(target)) order.push(target);
    }
  }
  return order;
}

function edgesOf(flow: Flow): FlowEdge[] {
  const indexes = nodeIndexes(flow);
  return flow.connections.flatMap((connection, index): FlowEdge[] => {
    const from = indexes.get(connection.from.node);
    const to = indexes.get(connection.to.node);
    if (from === undefined || to === undefined || from === to) return [];
    const { port: fromPort } = connection.from;
    return [{ from, fromPort, to, toPort: connection.to.port, connection: index }];
  });
}
