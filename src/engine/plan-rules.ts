import type { ErrorInfo } from "../domain/errors.ts";
import type { FlowRules, FlowState } from "../domain/flow-state.ts";
import type { Scope } from "./expressions/scope.ts";
import type { Condition, FlowPlan } from "./plan.ts";
import type { RunScope } from "./run-scope.ts";
import { permanentError, safeErrorInfo } from "./safe-error.ts";

/** Answers `step` from the compiled conditions of a plan. */
export class PlanRules implements FlowRules {
  readonly #plan: FlowPlan;
  readonly #scope: RunScope;

  constructor(plan: FlowPlan, scope: RunScope) {
    this.#plan = plan;
    this.#scope = scope;
  }

  nodeWhen(_state: FlowState, node: number): boolean {
    const condition = this.#plan.nodes[node]?.when;
    return holds(condition, (reads) => this.#scope.atNode(node, reads));
  }

  edgeWhen(state: FlowState, edge: number, value: unknown): boolean {
    const condition = this.#plan.conditions[state.graph.edges[edge]?.connection ?? -1];
    return holds(condition, (reads) => this.#scope.atEdge(value, reads));
  }

  toError(thrown: unknown, node: number): ErrorInfo {
    return safeErrorInfo(thrown, this.#plan.nodes[node]?.node.id);
  }
}

function holds(
  condition: Condition | undefined,
  scopeFor: (reads: ReadonlyMap<string, number>) => Scope,
): boolean {
  if (condition === undefined) return true;
  const answer = condition.expression.evaluate(scopeFor(condition.reads));
  if (typeof answer === "boolean") return answer;
  const shown = JSON.stringify(answer)?.slice(0, 100);
  throw permanentError("EXPRESSION", `when must be true or false, not ${shown}`);
}
