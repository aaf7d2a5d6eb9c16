import { FlowExecution } from "./flow-execution.ts";
import type { FlowPlan } from "./plan.ts";
import type { FlowOutcome, FlowRun } from "./run-types.ts";

/**
 * Runs a plan to its end. The outcome is there at once when every node answered synchronously,
 * which spares the event loop; else a promise of it, which never rejects. Whatever nodes, templates
 * and callbacks throw ends in the outcome or in the log.
 */
export function runFlow(plan: FlowPlan, run: FlowRun): FlowOutcome | Promise<FlowOutcome> {
  return new FlowExecution(plan, run).start();
}

export type { FlowClock, FlowOutcome, FlowRun, NodeEvent } from "./run-types.ts";
