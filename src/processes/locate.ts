import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import { findResult } from "../bus/results.ts";
import type { Lane } from "../domain/lane.ts";
import type { ExecutionResult } from "../messages/result.ts";
import { lookAround } from "./look-around.ts";

/** Where an execution is now. */
export type Located =
  | {
      readonly type: "running";
      readonly workerId: string;
      readonly flowId: string | null;
      readonly lane: Lane;
    }
  /** In its lane, for its first attempt or the next one. */
  | { readonly type: "waiting"; readonly flowId: string | null; readonly lane: Lane }
  | { readonly type: "ended"; readonly result: ExecutionResult };

export interface LocateDeps {
  readonly bus: Bus;
  readonly assignments: Assignments;
  readonly executions: ExecutionStore;
}

/**
 * Looks for an execution in the books here, among the results, with the other orchestrators and in
 * the lanes; undefined when it is nowhere.
 *
 * @throws WaitTimeoutError when the lanes are too deep to find it.
 */
export async function locate(executionId: string, deps: LocateDeps): Promise<Located | undefined> {
  const { bus, executions } = deps;
  const held = heldHere(executionId, deps);
  if (held !== undefined) return held;
  const result = await findResult(bus, executionId);
  if (result !== undefined) return { type: "ended", result };
  const { place: hint } = await executions.read(executionId);
  const { holder, queued } = await lookAround(bus, executionId, hint);
  if (holder !== undefined) {
    const { workerId, flowId, lane } = holder;
    return { type: "running", workerId, flowId, lane };
  }
  const place = await queued();
  const heldNow = heldHere(executionId, deps);
  if (heldNow !== undefined) return heldNow;
  if (place !== undefined) return { type: "waiting", flowId: place.flowId, lane: place.lane };
  // It may have ended while it was looked for.
  const ended = await findResult(bus, executionId);
  return ended && { type: "ended", result: ended };
}

function heldHere(executionId: string, { assignments }: LocateDeps): Located | undefined {
  const held = assignments.find(executionId);
  if (held === undefined) return undefined;
  const { workerId, task } = held;
  return { type: "running", workerId, flowId: task.flowId, lane: task.message.lane };
}
