import type { FlowState } from "../domain/flow-state.ts";
import type { FlowRun, NodeEvent } from "./run-types.ts";
import { safeErrorInfo } from "./safe-error.ts";

type Fact = NodeEvent extends infer E
  ? E extends NodeEvent
    ? Omit<E, "nodeId" | "type" | "attempt" | "at">
    : never
  : never;

/** Tells `onNodeEvent` what happens to nodes, if there is one. */
export function tellNodeEvent(run: FlowRun, state: FlowState, node: number, fact: Fact): void {
  if (run.onNodeEvent === undefined) return;
  const { id = "", type = "" } = state.flow.nodes[node] ?? {};
  const attempt = state.attempts[node] ?? 0;
  try {
    run.onNodeEvent({ nodeId: id, type, attempt, at: run.clock.now(), ...fact } as NodeEvent);
  } catch (thrown) {
    const { executionId } = run;
    run.log.error({ executionId, nodeId: id, error: safeErrorInfo(thrown) }, "onNodeEvent threw");
  }
}
