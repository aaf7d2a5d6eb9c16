import type { FlowState } from "../domain/flow-state.ts";
import { fill } from "./expressions/template.ts";
import { toOutput } from "./node-output.ts";
import type { FlowPlan } from "./plan.ts";
import type { RunScope } from "./run-scope.ts";

/**
 * The result of an execution that went well: what `flowData.output` makes of it, else the output of
 * the one node at the end, else an object of the outputs of all that ran, by node id.
 *
 * @throws NodeError EXPRESSION, BAD_OUTPUT or OUTPUT_TOO_LARGE.
 */
export function flowOutput(
  plan: FlowPlan,
  state: FlowState,
  scope: RunScope,
  maxBytes: number,
): unknown {
  if (plan.flow.hasOutput) {
    const { template, reads } = plan.output;
    return toOutput(fill(template, scope.atOutput(reads)), maxBytes);
  }
  const [only] = plan.sinks;
  if (plan.sinks.length === 1 && only !== undefined) return state.outputs[only] ?? null;
  const ran = plan.sinks.filter((node) => didRun(state, node));
  const outputs = ran.map((node) => [plan.nodes[node]?.node.id, state.outputs[node] ?? null]);
  return toOutput(Object.fromEntries(outputs), maxBytes);
}

function didRun(state: FlowState, node: number): boolean {
  const status = state.nodes[node];
  return status === "completed" || status === "failed";
}
