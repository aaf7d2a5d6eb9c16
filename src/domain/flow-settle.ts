import type { ErrorInfo } from "./errors.ts";
import { failureRule } from "./flow-failure.ts";
import { edgeValue, inputOf } from "./flow-input.ts";
import type { FlowState } from "./flow-state.ts";
import { fail, type Turn } from "./flow-stop.ts";

/** The node has its output: its connections from `port` deliver it. */
export function succeed(turn: Turn, node: number, port: string, output: unknown): void {
  turn.state.nodes[node] = "completed";
  turn.state.outputs[node] = output;
  settleEdges(turn, node, port);
}

/** The node will not run again: its rule says who hears of the error. */
export function giveUp(turn: Turn, node: number, error: ErrorInfo): void {
  const { state } = turn;
  state.nodes[node] = "failed";
  state.errors[node] = error;
  const rule = failureRule(state.flow, state.graph, node);
  if (rule === "fail") {
    fail(turn, error);
    return;
  }
  if (rule !== "branch") state.passedOver.push(error);
  if (rule === "continue") state.outputs[node] = null;
  settleEdges(turn, node, { continue: "out", branch: "error", prune: undefined }[rule]);
}

/**
 * Decides the nodes whose connections are settled: ready, skipped or passed through, and what
 * follows from that. A loop and not a recursion, since a chain of skipped nodes may be 5,000 long.
 */
export function settle(turn: Turn): void {
  for (let node = turn.decide.pop(); node !== undefined; node = turn.decide.pop()) {
    const isOpen = turn.state.phase === "running" && turn.state.nodes[node] === "pending";
    if (isOpen) decideNode(turn, node);
  }
}

function decideNode(turn: Turn, node: number): void {
  const { state } = turn;
  if (!isWanted(state, node)) skip(turn, node);
  else if (state.flow.nodes[node]?.disabled) succeed(turn, node, "out", inputOf(state, node));
  else checkCondition(turn, node);
}

function checkCondition(turn: Turn, node: number): void {
  const { state, rules } = turn;
  try {
    if (state.flow.nodes[node]?.when !== undefined && !rules.nodeWhen(state, node)) {
      skip(turn, node);
      return;
    }
  } catch (thrown) {
    giveUp(turn, node, rules.toError(thrown, node));
    return;
  }
  state.nodes[node] = "ready";
  state.ready.push(node);
}

function isWanted(state: FlowState, node: number): boolean {
  const incoming = state.graph.inEdges[node]?.length ?? 0;
  if (incoming === 0) return true;
  const delivered = state.delivered[node] as number;
  return state.flow.nodes[node]?.join === "all" ? delivered === incoming : delivered > 0;
}

function skip(turn: Turn, node: number): void {
  turn.state.nodes[node] = "skipped";
  turn.commands.push({ type: "skipped", node });
  settleEdges(turn, node, undefined);
}

/** Delivers the edges of `port` whose condition holds and prunes the others. */
function settleEdges(turn: Turn, node: number, port: string | undefined): void {
  const { state } = turn;
  for (const edge of state.graph.outEdges[node] ?? []) {
    if (state.phase !== "running") return;
    const isOpen = state.graph.edges[edge]?.fromPort === port && conditionHolds(turn, edge, node);
    if (state.phase === "running") settleEdge(turn, edge, isOpen);
  }
}

function settleEdge({ state, decide }: Turn, edge: number, isDelivered: boolean): void {
  const target = state.graph.edges[edge]?.to as number;
  state.edges[edge] = isDelivered ? "delivered" : "pruned";
  state.unsettled[target] = (state.unsettled[target] as number) - 1;
  if (isDelivered) state.delivered[target] = (state.delivered[target] as number) + 1;
  if (state.nodes[target] !== "pending") return;
  const takesFirst = isDelivered && state.flow.nodes[target]?.join === "any";
  if (takesFirst) state.winner[target] = edge;
  if (takesFirst || state.unsettled[target] === 0) decide.push(target);
}

/** A condition that throws fails the execution, or prunes where the flow says to go on. */
function conditionHolds(turn: Turn, edge: number, source: number): boolean {
  const { state, rules } = turn;
  const connection = state.flow.connections[state.graph.edges[edge]?.connection ?? -1];
  if (connection?.when === undefined) return true;
  try {
    return rules.edgeWhen(state, edge, edgeValue(state, edge));
  } catch (thrown) {
    passOverOrFail(turn, rules.toError(thrown, source));
    return false;
  }
}

function passOverOrFail(turn: Turn, error: ErrorInfo): void {
  if (turn.state.flow.settings.onError === "fail") fail(turn, error);
  else turn.state.passedOver.push(error);
}
