import { BatutaError, type ErrorInfo, NodeError } from "../domain/errors.ts";
import { PortOutput } from "./define-node.ts";
import type { NodeAttempt } from "./node-attempt.ts";
import { toOutput } from "./node-output.ts";
import type { PlanNode } from "./plan.ts";
import { permanentError, safeErrorInfo } from "./safe-error.ts";

export type AttemptResult =
  | { readonly ok: true; readonly port: string; readonly output: unknown }
  | { readonly ok: false; readonly error: ErrorInfo };

/** What a node answered, checked. @throws NodeError BAD_OUTPUT or OUTPUT_TOO_LARGE. */
export function resultOf(plan: PlanNode, attempt: NodeAttempt, answer: unknown): AttemptResult {
  const { port, output } = answer instanceof PortOutput ? answer : { port: "out", output: answer };
  if (!plan.ports.includes(port)) {
    const has = plan.ports.join(", ") || "none";
    throw permanentError("BAD_OUTPUT", `answered on port "${port}"; its ports are: ${has}`);
  }
  // What passes through was checked when it came into being.
  if (output === attempt.input) return { ok: true, port, output };
  return { ok: true, port, output: toOutput(output, attempt.maxOutputBytes) };
}

/**
 * What a node threw. The reason why it was told to stop goes before what it made of that. An
 * unexpected error of a node with unsafe effects is not retryable: they may have happened.
 */
export function failureOf(plan: PlanNode, attempt: NodeAttempt, thrown: unknown): AttemptResult {
  const cause = attempt.stopReason ?? thrown;
  const error = safeErrorInfo(cause, attempt.nodeId);
  const isUnexpected = !(cause instanceof BatutaError);
  if (!isUnexpected || plan.effects !== "unsafe") return { ok: false, error };
  return { ok: false, error: { ...error, retryable: false } };
}

export function timeoutError(plan: PlanNode, timeoutMs: number): NodeError {
  if (plan.effects !== "unsafe") {
    return new NodeError("TIMEOUT", `no answer within ${timeoutMs} ms`);
  }
  const message = `no answer within ${timeoutMs} ms; whether its effect has happened is not known`;
  return permanentError("UNCERTAIN", message);
}
