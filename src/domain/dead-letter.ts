import type { ErrorInfo } from "./errors.ts";
import type { Lane } from "./lane.ts";

/** Why an execution was given up. */
export const DEAD_LETTER_REASONS = [
  "invalid",
  "max_attempts",
  "not_retryable",
  "poison",
  "expired",
  "too_large",
  "unsupported",
] as const;
export type DeadLetterReason = (typeof DEAD_LETTER_REASONS)[number];

/** A dead letter without its original message, as lists show it. `deadAt` is ISO 8601 UTC. */
export interface DeadLetterSummary {
  /** Its place in the stream of dead letters. */
  readonly sequence: number;
  readonly executionId: string;
  readonly flowId: string | null;
  readonly lane: Lane;
  readonly reason: DeadLetterReason;
  readonly error: ErrorInfo;
  /** How many attempts had failed. */
  readonly attempts: number;
  readonly deadAt: string;
  /** Size of the body of the original message. */
  readonly bytes: number;
}

/** Some of the dead letters, oldest first. */
export interface DeadLetterPage {
  readonly deadLetters: readonly DeadLetterSummary[];
  /** Give it back for the next page; null when this is the last. */
  readonly cursor: number | null;
}

/**
 * What was done, or would be done, with one dead letter.
 * - selected: nothing; this was a dry run.
 * - replayed: its message is in its lane again, and the letter is gone.
 * - superseded: its execution went on without it (an earlier replay, a newer dead letter); the letter is gone.
 * - purged: the letter is gone.
 * - missing: there is no such letter (any more).
 * - failed: `note` says why; the letter is still there.
 */
export interface DeadLetterAction {
  readonly executionId: string;
  readonly flowId: string | null;
  readonly lane: Lane | null;
  readonly reason: DeadLetterReason | null;
  readonly sequence: number | null;
  readonly outcome: "selected" | "replayed" | "superseded" | "purged" | "missing" | "failed";
  readonly note?: string;
}

/**
 * Splits letters, oldest first, into the newest of each execution and the older ones. Only the newest
 * is replayed: it holds the same execution, and one replay is one run.
 */
export function newestPerExecution<T extends Pick<DeadLetterSummary, "executionId">>(
  letters: readonly T[],
): { readonly newest: readonly T[]; readonly older: readonly T[] } {
  const last = new Map(letters.map((letter) => [letter.executionId, letter]));
  const isNewest = (letter: T) => last.get(letter.executionId) === letter;
  return { newest: letters.filter(isNewest), older: letters.filter((each) => !isNewest(each)) };
}
