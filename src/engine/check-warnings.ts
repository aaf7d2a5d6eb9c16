import type { Problem } from "../domain/errors.ts";
import type { FlowGraph } from "../domain/flow-graph.ts";
import type { PlanNode } from "./plan.ts";

/** What is allowed and yet probably not meant. */
export function checkWarnings(nodes: readonly PlanNode[], graph: FlowGraph): Problem[] {
  return nodes.flatMap((plan, index) => [
    ...unreachable(plan, index, graph),
    ...unconnected(plan, index, graph),
    ...effectWarnings(plan, index, graph),
  ]);
}

function unreachable({ node }: PlanNode, index: number, graph: FlowGraph): Problem[] {
  const pointer = `/nodes/${index}`;
  const isNever = node.when?.replaceAll(/[{}\s]/g, "") === "false";
  if (isNever) {
    return [{ code: "W_UNREACHABLE", pointer: `${pointer}/when`, detail: "is never true" }];
  }
  if (node.join !== "all") return [];
  const sources = (graph.inEdges[index] ?? []).map((edge) => graph.edges[edge]?.from);
  if (new Set(sources).size === sources.length) return [];
  const detail = "join all waits for two ports of one node, of which only one delivers";
  return [{ code: "W_UNREACHABLE", pointer: `${pointer}/join`, detail }];
}

function unconnected({ node }: PlanNode, index: number, graph: FlowGraph): Problem[] {
  if (graph.edges.length === 0) return [];
  if (graph.inEdges[index]?.length !== 0 || graph.outEdges[index]?.length !== 0) return [];
  const detail = `node "${node.id}" is connected to nothing; it runs beside the rest`;
  return [{ code: "W_UNCONNECTED", pointer: `/nodes/${index}`, detail }];
}

function effectWarnings({ node, effects, type }: PlanNode, index: number, graph: FlowGraph) {
  const problems: Problem[] = [];
  const pointer = `/nodes/${index}`;
  if (type === undefined) return problems;
  const hasChoice = node.join === "any" && (graph.inEdges[index]?.length ?? 0) > 1;
  if (hasChoice && effects !== "none") {
    const detail = "what arrives first may differ when the execution is repeated";
    problems.push({ code: "W_JOIN_ANY_EFFECT", pointer: `${pointer}/join`, detail });
  }
  if (node.retry.maxAttempts > 1 && effects === "unsafe") {
    const detail = "another attempt may repeat an effect that has happened";
    problems.push({ code: "W_UNSAFE_RETRY", pointer: `${pointer}/retry`, detail });
  }
  return problems;
}
