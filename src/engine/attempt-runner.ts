import { BatutaError, type ErrorInfo } from "../domain/errors.ts";
import type { FlowState } from "../domain/flow-state.ts";
import { type AttemptResult, failureOf, resultOf } from "./attempt-result.ts";
import { type AttemptWatch, guarded, watchAttempt } from "./attempt-watch.ts";
import type { NodeType } from "./define-node.ts";
import { NodeAttempt } from "./node-attempt.ts";
import { tellNodeEvent } from "./node-teller.ts";
import type { FlowPlan, PlanNode } from "./plan.ts";
import type { RunScope } from "./run-scope.ts";
import type { FlowRun } from "./run-types.ts";
import { permanentError, safeErrorInfo } from "./safe-error.ts";

/** Runs attempts of nodes and keeps hold of those that answer later. */
export class AttemptRunner {
  readonly #plan: FlowPlan;
  readonly #run: FlowRun;
  readonly #state: FlowState;
  readonly #scope: RunScope;
  readonly #maxOutputBytes: number;
  /** Made when the first node answers later. */
  #watches: Map<number, AttemptWatch> | undefined;
  /** A node whose unsafe effect has happened, or may have. */
  #unsafeNodeId: string | undefined;

  constructor(
    plan: FlowPlan,
    run: FlowRun,
    state: FlowState,
    scope: RunScope,
    maxOutputBytes: number,
  ) {
    this.#plan = plan;
    this.#run = run;
    this.#state = state;
    this.#scope = scope;
    this.#maxOutputBytes = maxOutputBytes;
  }

  /** Starts one attempt; `settle` is called once, before this returns if the node is synchronous. */
  run(node: number, attempt: number, settle: (result: AttemptResult) => void): void {
    const plan = this.#plan.nodes[node] as PlanNode;
    const refused = this.#refusal(plan);
    if (refused !== undefined) {
      settle({ ok: false, error: safeErrorInfo(refused, plan.node.id) });
      return;
    }
    const config = this.#configOf(plan, node);
    if (!config.ok) settle(config);
    else this.#call(plan, this.#attempt(node, attempt, config.value), settle);
  }

  /** Tells a node to stop; nothing happens where it does not run. */
  stop(node: number, reason: Error): void {
    this.#watches?.get(node)?.stop(reason);
  }

  /** Makes an error final where another attempt of the execution would repeat an unsafe effect. */
  sealEffects(error: ErrorInfo): ErrorInfo {
    if (!error.retryable || this.#unsafeNodeId === undefined) return error;
    const why = `not retried, since the effect of node "${this.#unsafeNodeId}" would be repeated`;
    return { ...error, retryable: false, message: `${error.message} (${why})` };
  }

  #refusal({ node, type, effects }: PlanNode): Error | undefined {
    if (this.#state.phase !== "running") return permanentError("CANCELLED", "not started any more");
    if (type === undefined) {
      return permanentError("UNSUPPORTED", `this worker has no node type "${node.type}"`);
    }
    if (effects !== "unsafe" || !this.#run.isUncertain) return undefined;
    return permanentError("UNCERTAIN", "an earlier attempt may have had this node's effect");
  }

  #configOf(plan: PlanNode, node: number) {
    if (plan.config.isStatic) return { ok: true as const, value: plan.config.value };
    try {
      const scope = this.#scope.atNode(node, plan.reads);
      return { ok: true as const, value: plan.config.evaluate(scope) };
    } catch (thrown) {
      const error = safeErrorInfo(thrown, plan.node.id);
      const retryable = thrown instanceof BatutaError && error.retryable;
      return { ok: false as const, error: { ...error, retryable } };
    }
  }

  #attempt(node: number, attempt: number, config: unknown): NodeAttempt {
    const onProgress = (progress: number) =>
      tellNodeEvent(this.#run, this.#state, node, { kind: "progress", progress });
    const start = { node, attempt, config };
    return new NodeAttempt(this.#run, this.#state, start, this.#maxOutputBytes, onProgress);
  }

  #call(plan: PlanNode, attempt: NodeAttempt, settle: (result: AttemptResult) => void): void {
    const done = (result: AttemptResult) => {
      this.#watches?.delete(attempt.node);
      this.#noteEffect(plan, attempt, result);
      settle(result);
    };
    let answer: unknown;
    try {
      answer = (plan.type as NodeType).run(attempt);
      if (isThenable(answer)) {
        this.#watches ??= new Map();
        this.#watches.set(attempt.node, watchAttempt(plan, attempt, this.#run, answer, done));
        return;
      }
    } catch (thrown) {
      done(failureOf(plan, attempt, thrown));
      return;
    }
    done(guarded(plan, attempt, () => resultOf(plan, attempt, answer)));
  }

  #noteEffect(plan: PlanNode, attempt: NodeAttempt, result: AttemptResult): void {
    if (plan.effects !== "unsafe") return;
    const mayHaveHappened = result.ok || !result.error.retryable;
    if (mayHaveHappened || attempt.stopReason !== undefined) this.#unsafeNodeId = plan.node.id;
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (typeof value !== "object" || value === null) return false;
  return typeof (value as { then?: unknown }).then === "function";
}
