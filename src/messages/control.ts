import type { Placement } from "../domain/balancing.ts";
import type { Lane } from "../domain/lane.ts";
import type { PlacementScore } from "../domain/recorded-placement.ts";
import type { ExecutionStatus } from "./result.ts";

/** What `flows.control.<executionId>` answers a cancel with. */
export interface CancelAnswer {
  readonly executionId?: string;
  /** Whether it is cancelled now, by this request or by an earlier one. */
  readonly cancelled: boolean;
  /**
   * Why not. "ended": it had ended before, `status` tells how. "unknown": no lane holds it and it has
   * no terminal record. "too_many_queued": it was not found among all that waits. Else in words.
   */
  readonly reason?: string;
  readonly status?: ExecutionStatus;
  /** For people, where the reason is a word. */
  readonly message?: string;
}

/** What `flows.control.<executionId>` answers a pause or a resume with. */
export interface PauseAnswer {
  readonly executionId: string;
  /** Whether it is paused now. */
  readonly paused: boolean;
  /**
   * Why a pause did not pause it, or what a resume found: "ended": it had ended before, `status` tells
   * how. "not_paused": there was nothing to resume. "unknown": no lane holds it and it has no terminal
   * record. "too_many_queued": it was not found among all that waits. Else in words.
   */
  readonly reason?: string;
  readonly status?: ExecutionStatus;
  /** For people, where the reason is a word. */
  readonly message?: string;
}

/** What the orchestrator that holds the task answers `{action: "status"}` with; the others are silent. */
export interface StatusAnswer {
  readonly executionId: string;
  /** Paused: no further node is started. */
  readonly status: "running" | "paused";
  readonly workerId: string;
  readonly flowId: string;
  readonly lane: Lane;
}

/** What an orchestrator answers `{action: "placement", lane, sequence}` with: who could take it now, and why not. */
export interface PlacementAnswer {
  readonly nodeTypes: readonly string[];
  readonly placement: Placement;
  /** The best first. */
  readonly candidates: readonly PlacementScore[];
  readonly candidatesLeftOut?: number;
}
