import type { Problem } from "../domain/errors.ts";
import type { FlowConnection } from "../domain/flow.ts";
import { endpointPointer } from "../domain/flow-pointer.ts";
import type { PlanNode } from "./plan.ts";

/** Ports that connections use and nodes do not have, and error rules that contradict the ports. */
export function checkPorts(
  connections: readonly FlowConnection[],
  nodes: readonly PlanNode[],
): Problem[] {
  const byId = new Map(nodes.map((plan) => [plan.node.id, plan]));
  const usesErrorPort = new Set(
    connections.filter(({ from }) => from.port === "error").map(({ from }) => from.node),
  );
  return [
    ...connections.flatMap((connection, index) => checkConnection(connection, index, byId)),
    ...nodes.flatMap((plan, index) => checkErrorRule(plan, index, usesErrorPort)),
  ];
}

function checkConnection(
  connection: FlowConnection,
  index: number,
  byId: ReadonlyMap<string, PlanNode>,
): Problem[] {
  const { from, to } = connection;
  const source = byId.get(from.node);
  const problems: Problem[] = [];
  if (source !== undefined && arePortsKnown(source) && !hasPort(source, from.port)) {
    const pointer = endpointPointer(connection, index, "from");
    problems.push({ code: "E_UNKNOWN_PORT", pointer, ...portText(source, from.port) });
  }
  if (to.port !== "in" && byId.has(to.node)) {
    const pointer = endpointPointer(connection, index, "to");
    const detail = `node "${to.node}" has port in, not "${to.port}"`;
    problems.push({ code: "E_UNKNOWN_PORT", pointer, detail });
  }
  return problems;
}

function checkErrorRule(
  { node, type, ports }: PlanNode,
  index: number,
  usesErrorPort: ReadonlySet<string>,
): Problem[] {
  const { onError } = node;
  const isConnected = usesErrorPort.has(node.id);
  const problem = (detail: string): Problem[] => [
    { code: "E_CONFIG", pointer: `/nodes/${index}/onError`, detail },
  ];
  if (onError === undefined || node.disabled) return [];
  if (onError === "branch" && !isConnected) return problem("port error is not connected");
  if (onError !== "branch" && isConnected) {
    return problem(`port error is connected, so that onError must be branch, not ${onError}`);
  }
  if (onError === "continue" && type !== undefined && !ports.includes("out")) {
    return problem(`a node of type ${node.type} has no port out to continue on; use branch`);
  }
  return [];
}

function arePortsKnown({ node, type }: PlanNode): boolean {
  return node.disabled || type !== undefined;
}

function hasPort({ node, ports }: PlanNode, port: string): boolean {
  return ports.includes(port) || (port === "error" && !node.disabled);
}

function portText({ node, ports }: PlanNode, port: string): { detail: string; hint?: string } {
  const has = node.disabled ? ports : [...ports, "error"];
  const state = node.disabled ? "the disabled node" : "node";
  return { detail: `${state} "${node.id}" delivers on ${has.join(", ")}, not on "${port}"` };
}
