import type { DecisionKind } from "./subjects.ts";

/** What a decision was about. */
export interface DecisionSubject {
  readonly executionId?: string;
  readonly workerId?: string;
  readonly lane?: string;
}

/** One that was considered, and how it did. */
export interface DecisionCandidate {
  readonly id: string;
  /** The higher, the better; null for one that could not be chosen. */
  readonly score: number | null;
  readonly why: string;
}

/**
 * One decision of a supervisor, on `supervisor.decision.<kind>`. `inputs` is all that the pure function of
 * its kind was given, so that the same inputs give the same choice again (`batuta simulate --from`).
 */
export interface Decision<I = unknown, C = unknown> {
  /** ULID. */
  readonly decisionId: string;
  readonly kind: DecisionKind;
  /** ISO 8601. */
  readonly at: string;
  /** The orchestrator that decided. */
  readonly by: string;
  readonly about: DecisionSubject;
  /** Which rules decided: it changes with their code or their settings. */
  readonly policyVersion: string;
  readonly inputs: I;
  /** The best first. */
  readonly candidates: readonly DecisionCandidate[];
  /** So many more were considered, and did no better than the last of these. */
  readonly candidatesLeftOut?: number;
  readonly choice: C;
  readonly reasons: readonly string[];
  /** The part that was left out, since the server takes no message so large. Without its inputs it cannot be replayed. */
  readonly truncated?: DecisionPart;
}

export type DecisionPart = "workers" | "inputs" | "choice" | "reasons";

/** A decision before it is stamped. */
export type DecisionDraft = Pick<Decision, "kind" | "about" | "inputs" | "choice" | "reasons"> &
  Partial<Pick<Decision, "candidates">>;

/** Takes decisions down. Never blocks and never throws: a decision does not wait for its record. */
export interface DecisionSink {
  record(draft: DecisionDraft): void;
}

/** For those who decide without being asked why: tests. */
export const NO_RECORD: DecisionSink = { record: () => {} };
