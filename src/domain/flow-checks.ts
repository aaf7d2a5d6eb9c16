import type { Problem } from "./errors.ts";
import type { Flow, FlowConnection } from "./flow.ts";
import { findCycles } from "./flow-cycles.ts";
import { buildGraph, type FlowGraph, nodeIndexes } from "./flow-graph.ts";
import { endpointPointer } from "./flow-pointer.ts";

/** Everything wrong with the shape of a flow, whatever the types of its nodes. */
export function checkGraph(flow: Flow, graph: FlowGraph = buildGraph(flow)): Problem[] {
  return [
    ...duplicateNodes(flow),
    ...flow.connections.flatMap((connection, index) => checkEnds(flow, connection, index)),
    ...duplicateConnections(flow),
    ...findCycles(graph).map((edges) => cycleProblem(flow, graph, edges)),
  ];
}

function duplicateNodes(flow: Flow): Problem[] {
  const first = nodeIndexes(flow);
  return flow.nodes.flatMap((node, index): Problem[] => {
    const before = first.get(node.id);
    if (before === index) return [];
    const detail = `the id "${node.id}" is that of node ${before} too`;
    return [{ code: "E_DUP_NODE", pointer: `/nodes/${index}/id`, detail }];
  });
}

function checkEnds(flow: Flow, connection: FlowConnection, index: number): Problem[] {
  const ids = nodeIds(flow);
  const unknown = (["from", "to"] as const).filter((end) => !ids.exact.has(connection[end].node));
  const problems = unknown.map((end): Problem => {
    const detail = `there is no node "${connection[end].node}"`;
    const meant = ids.byLowerCase.get(connection[end].node.toLowerCase());
    const hint = meant === undefined ? {} : { hint: `did you mean "${meant}"?` };
    const pointer = endpointPointer(connection, index, end);
    return { code: "E_UNKNOWN_NODE", pointer, detail, ...hint };
  });
  if (connection.from.node !== connection.to.node) return problems;
  const detail = `node "${connection.from.node}" is connected to itself`;
  const pointer = `/connections/${index}`;
  return [...problems, { code: "E_SELF_LOOP", pointer, detail, hint: LOOP_HINT }];
}

function duplicateConnections(flow: Flow): Problem[] {
  const seen = new Map<string, number>();
  return flow.connections.flatMap((connection, index): Problem[] => {
    const { from, to } = connection;
    const key = JSON.stringify([from.node, from.port, to.node, to.port]);
    const before = seen.get(key);
    if (before === undefined) {
      seen.set(key, index);
      return [];
    }
    const detail = `connects ${from.node}.${from.port} to ${to.node}.${to.port} like connection ${before}`;
    return [{ code: "E_DUP_CONN", pointer: `/connections/${index}`, detail }];
  });
}

function cycleProblem(flow: Flow, graph: FlowGraph, edges: readonly number[]): Problem {
  const ids = edges.map((edge) => flow.nodes[graph.edges[edge]?.from ?? 0]?.id ?? "?");
  const shown = ids.length <= CYCLE_SHOWN ? ids : [...ids.slice(0, CYCLE_SHOWN), "…"];
  const closing = graph.edges[edges.at(-1) ?? 0]?.connection;
  const detail = `the connections form a cycle: ${[...shown, ids[0]].join(" -> ")}`;
  return { code: "E_CYCLE", pointer: `/connections/${closing}`, detail, hint: LOOP_HINT };
}

const CYCLE_SHOWN = 20;
const LOOP_HINT = "a flow has no loops; work through a list with data-map or data-filter";

interface NodeIds {
  readonly exact: ReadonlySet<string>;
  readonly byLowerCase: ReadonlyMap<string, string>;
}

const knownIds = new WeakMap<Flow, NodeIds>();

function nodeIds(flow: Flow): NodeIds {
  const known = knownIds.get(flow);
  if (known !== undefined) return known;
  const ids = flow.nodes.map((node) => node.id);
  const byLowerCase = new Map(ids.map((id) => [id.toLowerCase(), id]));
  const made = { exact: new Set(ids), byLowerCase };
  knownIds.set(flow, made);
  return made;
}
