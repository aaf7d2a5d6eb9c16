import type { Flow } from "./flow.ts";
import type { FlowGraph } from "./flow-graph.ts";

/**
 * What follows when a node has failed for good.
 * - fail: the execution fails. continue: port `out` delivers null.
 * - branch: port `error` delivers the error. prune: nothing is delivered, the flow goes on.
 */
export type FailureRule = "fail" | "continue" | "branch" | "prune";

/** The node's own rule; else "branch" where port `error` is connected; else that of the flow. */
export function failureRule(flow: Flow, graph: FlowGraph, node: number): FailureRule {
  const own = flow.nodes[node]?.onError;
  if (own !== undefined) return own;
  const edges = graph.outEdges[node] ?? [];
  if (edges.some((edge) => graph.edges[edge]?.fromPort === "error")) return "branch";
  return flow.settings.onError === "continue" ? "prune" : "fail";
}
