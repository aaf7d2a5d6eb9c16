import type { ErrorInfo } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import type { FlowEventKind } from "./subjects.ts";

/** One live event of an execution on `flows.event.<executionId>.<kind>`; which fields it has depends on the kind. */
export interface FlowEvent {
  readonly executionId: string;
  readonly kind: FlowEventKind;
  /** ISO 8601 UTC. */
  readonly at: string;
  readonly flowId?: string | null;
  readonly lane?: Lane;
  readonly workerId?: string;
  readonly attempt?: number;
  readonly nodeId?: string;
  readonly status?: string;
  readonly durationMs?: number;
  readonly delayMs?: number;
  readonly reason?: string;
  readonly error?: ErrorInfo;
  readonly progress?: unknown;
}
