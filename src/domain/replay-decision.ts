import { type HealthInput, scoreHealth } from "./health.ts";
import { placeAgain, type RecordedPlacement } from "./recorded-placement.ts";
import { type MovingTask, orderOfMove } from "./redistribution.ts";
import { decideNext, type FailedAttempt } from "./retry.ts";
import { decideScale } from "./scaling.ts";
import type { ScalingFacts, ScalingPolicy } from "./scaling-facts.ts";

/** A decision as far as replaying it goes. */
export interface ReplayableDecision {
  readonly kind: string;
  readonly inputs: unknown;
  readonly choice: unknown;
  readonly truncated?: unknown;
}

/** `unknown`: of that kind, or of that record, the inputs are not complete or no pure function decides. */
export type Replay =
  | { readonly type: "same" | "different"; readonly choice: unknown }
  | { readonly type: "unknown" };

/** Puts the inputs of a decision through the same pure function once more, and compares bit for bit (as JSON). */
export function replayDecision(decision: ReplayableDecision): Replay {
  const choice = chosenAgain(decision);
  if (choice === undefined) return { type: "unknown" };
  const isSame = JSON.stringify(choice) === JSON.stringify(decision.choice);
  return { type: isSame ? "same" : "different", choice };
}

function chosenAgain({ kind, inputs, choice, truncated }: ReplayableDecision): unknown {
  if (typeof inputs !== "object" || inputs === null || truncated !== undefined) return undefined;
  switch (kind) {
    case "scale": {
      const { facts, policy } = inputs as { facts: ScalingFacts; policy: ScalingPolicy };
      return decideScale(facts, policy);
    }
    case "retry":
    case "deadletter":
      return "cause" in inputs ? decideNext(inputs as FailedAttempt) : undefined;
    case "redistribute":
      return { order: orderOfMove((inputs as { tasks: readonly MovingTask[] }).tasks) };
    case "assign":
    case "unplaceable":
      return "workers" in inputs ? placeAgain(inputs as RecordedPlacement) : undefined;
    case "health": {
      const { scored } = inputs as { scored?: HealthInput };
      // The state is its machine's to decide, from beats that came before; the verdict on this one is not.
      return scored && { ...(choice as object), verdict: scoreHealth(scored) };
    }
    default:
      return undefined;
  }
}
