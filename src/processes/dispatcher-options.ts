import type { Assignments, Recipient } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import type { BalancingPolicy, WorkerCandidate } from "../domain/balancing.ts";
import type { Problem } from "../domain/errors.ts";
import type { DecisionSink } from "../messages/decision.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { Placements } from "./decisions/placements.ts";
import type { Pauses } from "./pauses.ts";

/** What the dispatcher must know of a flow; from the engine's compiler. */
export interface FlowNeeds {
  readonly nodeTypes: readonly string[];
  /** No node has effects: running it twice harms nobody. */
  readonly pure: boolean;
  readonly problems: readonly Problem[];
}

export interface DispatcherOptions {
  readonly bus: Bus;
  readonly assignments: Assignments;
  readonly executions: ExecutionStore;
  readonly candidates: () => readonly WorkerCandidate[];
  readonly recipient: (workerId: string) => Recipient | undefined;
  readonly needsOf: (body: ExecuteMessage) => FlowNeeds;
  readonly balancing: BalancingPolicy;
  readonly maxAttempts: number;
  readonly maxPayloadBytes: number;
  readonly unplaceableTimeoutMs: number;
  /**
   * Whether an execution of that id was seen to end lately. What this misses is found by the
   * compare-and-set of the terminal record; this spares running a duplicate for nothing.
   */
  readonly endedRecently: (executionId: string) => boolean;
  readonly pauses: Pick<Pauses, "has" | "holdBack" | "ended">;
  /** A worker was given this execution. */
  readonly booked: (executionId: string) => void;
  readonly now: () => number;
  readonly decisions: DecisionSink;
  readonly placements: Placements;
  readonly fault: (error: unknown, executionId: string) => void;
  /** A message that was pondered is out of the way: its slot may be used. */
  readonly settled: () => void;
}
