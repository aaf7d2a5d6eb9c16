import type { FlowState } from "./flow-state.ts";

/** One value that reached a node, with the id of the node it came from. */
export interface Arrival {
  readonly from: string;
  readonly port: string;
  readonly value: unknown;
}

/** What an edge carries: the error at port `error`, else the output of its source. */
export function edgeValue(state: FlowState, edge: number): unknown {
  const { from = 0, fromPort } = state.graph.edges[edge] ?? {};
  return fromPort === "error" ? state.errors[from] : state.outputs[from];
}

/** Values delivered to a node, in the order of the flow's connections, never in that of arrival. */
export function arrivalsOf(state: FlowState, node: number): Arrival[] {
  return deliveredEdges(state, node).map((edge) => ({
    from: sourceId(state, edge),
    port: state.graph.edges[edge]?.toPort ?? "in",
    value: edgeValue(state, edge),
  }));
}

/**
 * The input of a node: the inputs of the execution at a start node, the value itself where one
 * arrived, an object keyed by source id where several did.
 */
export function inputOf(state: FlowState, node: number): unknown {
  if (state.graph.inEdges[node]?.length === 0) return state.inputs;
  const edges = deliveredEdges(state, node);
  const [only] = edges;
  if (edges.length === 1 && only !== undefined) return edgeValue(state, only);
  return Object.fromEntries(edges.map((edge) => [sourceId(state, edge), edgeValue(state, edge)]));
}

function deliveredEdges(state: FlowState, node: number): readonly number[] {
  const winner = state.winner[node];
  if (winner !== undefined) return [winner];
  const edges = state.graph.inEdges[node] ?? [];
  return edges.filter((edge) => state.edges[edge] === "delivered");
}

function sourceId(state: FlowState, edge: number): string {
  return state.flow.nodes[state.graph.edges[edge]?.from ?? 0]?.id ?? "";
}
