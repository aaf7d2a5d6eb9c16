import type { ErrorInfo } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import type { ExecutionStatus } from "./result.ts";

/** The states in which executions are listed: of those that wait in a lane only the number is known. */
export const LISTED_STATUSES = [
  "running",
  "retrying",
  "paused",
  "completed",
  "failed",
  "cancelled",
] as const satisfies readonly ExecutionStatus[];
export type ListedStatus = (typeof LISTED_STATUSES)[number];

/** One execution in a list: its terminal record without the output, or what is known before its end. */
export interface ExecutionView {
  readonly executionId: string;
  readonly flowId: string | null;
  /** Null where it is not known. */
  readonly lane: Lane | null;
  readonly status: ExecutionStatus;
  /** Of one that is running, the number of the present attempt. */
  readonly attempts: number;
  readonly workerId: string | null;
  /** ISO 8601; null before its end. */
  readonly finishedAt: string | null;
  readonly durationMs: number | null;
  /** Of the end, or of the last attempt. */
  readonly error?: ErrorInfo;
}

export interface ExecutionQuery {
  readonly status?: ListedStatus;
  readonly flowId?: string;
  /** Where the page before has ended. */
  readonly cursor?: number;
  /** How many at the most. */
  readonly limit: number;
}

export interface ExecutionPage {
  readonly executions: readonly ExecutionView[];
  /** For the next page; null when this is the last one. A page may hold less than `limit`, or nothing. */
  readonly cursor: string | null;
}
