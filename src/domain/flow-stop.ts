import type { ErrorInfo } from "./errors.ts";
import type { FlowCommand, FlowRules, FlowState } from "./flow-state.ts";

/** One call of `step`: what it works on and what it has to tell. */
export interface Turn {
  readonly state: FlowState;
  readonly rules: FlowRules;
  readonly commands: FlowCommand[];
  /** Nodes whose connections have just been settled. */
  readonly decide: number[];
}

export function fail(turn: Turn, error: ErrorInfo): void {
  stop(turn, "failing", error, "");
}

/** Starts nothing more and stops what is under way; the first reason counts. */
export function stop(
  { state, commands, decide }: Turn,
  phase: "failing" | "cancelling",
  error: ErrorInfo | undefined,
  reason: string,
): void {
  if (state.phase !== "running" && state.phase !== "new") return;
  Object.assign(state, { phase, error, reason });
  decide.length = 0;
  state.ready.clear();
  state.nodes.forEach((status, node) => {
    if (status === "running" || status === "waiting") commands.push({ type: "abort", node });
    if (status === "waiting" || status === "ready" || status === "pending") {
      state.nodes[node] = "cancelled";
    }
  });
  state.waiting = 0;
}

/** Ends the execution once nothing runs, waits or is ready. */
export function endIfDone({ state, commands }: Turn): void {
  if (state.phase === "new") return;
  if (state.running > 0 || state.waiting > 0 || state.ready.size > 0) return;
  const { phase, error, reason } = state;
  state.phase = "ended";
  if (phase === "cancelling") commands.push({ type: "end", status: "cancelled", reason });
  else if (error !== undefined) commands.push({ type: "end", status: "failed", error });
  else commands.push({ type: "end", status: "completed" });
}
