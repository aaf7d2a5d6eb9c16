import type { DeadLetterReason } from "../domain/dead-letter.ts";
import type { ErrorInfo, Problem } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";

export const TERMINAL_STATUSES = ["completed", "failed", "cancelled"] as const;
export type TerminalStatus = (typeof TERMINAL_STATUSES)[number];

/** What an execution can be seen in. */
export type ExecutionStatus = "queued" | "running" | "retrying" | "paused" | TerminalStatus;

/**
 * The terminal record of an execution on `flows.result.<executionId>`: written once, by
 * compare-and-set. Instants are ISO 8601 UTC; `queueWaitMs` runs from queuedAt to startedAt,
 * `durationMs` from startedAt to finishedAt. An execution that no worker ran has no workerId and no startedAt.
 */
export interface ExecutionResult {
  readonly executionId: string;
  readonly flowId: string | null;
  readonly status: TerminalStatus;
  readonly output?: unknown;
  readonly error?: ErrorInfo;
  readonly attempts: number;
  readonly workerId: string | null;
  readonly queuedAt: string;
  readonly startedAt: string | null;
  readonly finishedAt: string;
  readonly queueWaitMs: number;
  readonly durationMs: number;
  readonly lane: Lane;
  /** Why it was dead-lettered, on failed executions only. */
  readonly reason?: DeadLetterReason;
}

export type { DeadLetterReason };

/** One attempt that failed, oldest first in `attempts` of a dead letter. */
export interface AttemptRecord {
  readonly attempt: number;
  readonly workerId: string | null;
  readonly error: ErrorInfo;
  readonly at: string;
  /** When it is to be tried again, ISO 8601; not there when it was given up. */
  readonly retryAt?: string;
}

/** `flows.dead.<lane>.<executionId>`: the original message and why it was given up. */
export interface DeadLetter {
  readonly executionId: string;
  readonly flowId: string | null;
  readonly lane: Lane;
  readonly reason: DeadLetterReason;
  readonly error: ErrorInfo;
  /** Every validation error of an invalid message. */
  readonly problems?: readonly Problem[];
  readonly attempts: readonly AttemptRecord[];
  readonly deadAt: string;
  readonly message: OriginalMessage;
}

/** A dead letter with its place in the stream of dead letters. */
export interface StoredDeadLetter extends DeadLetter {
  readonly sequence: number;
}

/**
 * The message as it was published. Exactly one of `data` (it was JSON), `dataBase64` (it was not)
 * and `blob` (it is too large to travel inside a dead letter: the name, in the object store, of a JSON
 * text with its headers and body) is there.
 */
export interface OriginalMessage {
  readonly subject: string;
  readonly stream: string;
  readonly sequence: number;
  readonly publishedAt: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly bytes: number;
  readonly data?: unknown;
  readonly dataBase64?: string;
  readonly blob?: string;
}
