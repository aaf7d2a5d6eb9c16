import { type AttemptResult, failureOf, resultOf, timeoutError } from "./attempt-result.ts";
import type { NodeAttempt } from "./node-attempt.ts";
import type { PlanNode } from "./plan.ts";
import { DEFAULT_ABORT_GRACE_MS, type FlowRun } from "./run-types.ts";

/** An attempt that answers later. */
export interface AttemptWatch {
  /** Tells the node to stop; its answer is waited for as long as `abortGraceMs`. */
  stop(reason: Error): void;
}

/**
 * Waits for the answer of a node within its time limit and calls `settle` exactly once. A node that
 * answers after it was told to stop is believed: its effect has happened.
 */
export function watchAttempt(
  plan: PlanNode,
  attempt: NodeAttempt,
  run: FlowRun,
  answer: PromiseLike<unknown>,
  settle: (result: AttemptResult) => void,
): AttemptWatch {
  const { clock, abortGraceMs = DEFAULT_ABORT_GRACE_MS } = run;
  const timers: unknown[] = [];
  let isSettled = false;
  const finish = (makeResult: () => AttemptResult) => {
    if (isSettled) return;
    isSettled = true;
    for (const timer of timers) clock.clearTimeout(timer);
    settle(guarded(plan, attempt, makeResult));
  };
  const stop = (reason: Error) => {
    if (isSettled || attempt.stopReason !== undefined) return;
    attempt.stop(reason);
    const giveUp = () => finish(() => failureOf(plan, attempt, reason));
    timers.push(clock.setTimeout(giveUp, abortGraceMs));
  };
  const { timeoutMs } = plan;
  if (timeoutMs !== undefined) {
    timers.push(clock.setTimeout(() => stop(timeoutError(plan, timeoutMs)), timeoutMs));
  }
  Promise.resolve(answer).then(
    (value) => finish(() => resultOf(plan, attempt, value)),
    (thrown: unknown) => finish(() => failureOf(plan, attempt, thrown)),
  );
  return { stop };
}

/** Runs code that may throw, and makes its error the result. */
export function guarded(
  plan: PlanNode,
  attempt: NodeAttempt,
  makeResult: () => AttemptResult,
): AttemptResult {
  try {
    return makeResult();
  } catch (thrown) {
    return failureOf(plan, attempt, thrown);
  }
}
