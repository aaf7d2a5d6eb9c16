import type { ErrorInfo } from "./errors.ts";
import {
  consideredText,
  decisionSteps,
  type ExplainedStep,
  scalingSteps,
  span,
  type ToldCandidate,
  type ToldDecision,
  waitStep,
} from "./explain-decision.ts";

export interface ToldAttempt {
  readonly attempt: number;
  readonly workerId: string | null;
  readonly error: ErrorInfo;
  readonly at: string;
  readonly retryAt?: string | undefined;
}

/** Who could take an execution now, and why not, as an orchestrator says. */
export interface PlacementNow {
  readonly nodeTypes: readonly string[];
  readonly placement: { readonly type: string; readonly reason: string };
  readonly candidates: readonly ToldCandidate[];
  readonly candidatesLeftOut?: number | undefined;
}

/** What is known of an execution, from the terminal record, its attempts and the journal. Instants are ISO 8601. */
export interface ExecutionFacts {
  readonly executionId: string;
  readonly flowId: string | null;
  readonly lane: string | null;
  readonly status: string;
  readonly queuedAt: string | null;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly workerId: string | null;
  readonly error?: ErrorInfo | undefined;
  /** Why it was dead-lettered. */
  readonly deadReason?: string | undefined;
  readonly attempts: readonly ToldAttempt[];
  readonly pausedFor?: { readonly reason: string; readonly at: string } | undefined;
  /** Of this execution, and the redistributions that it was part of. */
  readonly decisions: readonly ToldDecision[];
  /** That its lane waited, while it did. */
  readonly waits: readonly ToldDecision[];
  /** Of kind scale, while it waited. */
  readonly scaling: readonly ToldDecision[];
  /** While it waits in its lane: how many are before it at the most; null when it does not, or nobody knows. */
  readonly before: number | null;
  /** Null when no orchestrator could be asked, or it does not wait. */
  readonly now: PlacementNow | null;
}

export interface Explanation {
  readonly executionId: string;
  readonly status: string;
  readonly summary: string;
  readonly steps: readonly ExplainedStep[];
}

/** Waits below this are the time that handing over takes, and need no reason. */
const WORTH_A_REASON_MS = 1_000;
const MOST_WAITS = 4;
const MOST_HANDED_BACK = 6;
const MOST_SCALING_STEPS = 6;

/** Where an execution waited and why, who was considered, and which attempt failed how: in the order of time. */
export function explainExecution(facts: ExecutionFacts): Explanation {
  const { executionId, status, decisions } = facts;
  const steps = [
    ...queuedStep(facts),
    ...waitedSteps(facts),
    ...startedStep(facts),
    ...attemptSteps(facts),
    ...thinned(decisions).flatMap((decision) => decisionSteps(executionId, decision)),
    ...endStep(facts),
  ].sort((one, other) => compare(one.at, other.at));
  const summary = summaryOf(facts);
  return { executionId, status, summary, steps: [...steps, ...presentSteps(facts)] };
}

function queuedStep({ queuedAt, lane, flowId }: ExecutionFacts): ExplainedStep[] {
  if (queuedAt === null) return [];
  const what = `published to the lane ${lane ?? "unknown"}, flow ${flowId ?? "unknown"}`;
  return [{ at: queuedAt, what, why: [] }];
}

/** It may have been handed back for hours. */
function thinned(decisions: readonly ToldDecision[]): readonly ToldDecision[] {
  const handedBack = decisions.filter(({ kind }) => kind === "unplaceable");
  const told = new Set(spread(handedBack, MOST_HANDED_BACK));
  return decisions.filter((each) => each.kind !== "unplaceable" || told.has(each));
}

/** Who was full while it waited, and how scaling saw it. */
function waitedSteps({ queuedAt, startedAt, lane, waits, scaling }: ExecutionFacts) {
  if (queuedAt === null) return [];
  const waitedMs = Date.parse(startedAt ?? "") - Date.parse(queuedAt);
  if (waitedMs < WORTH_A_REASON_MS) return [];
  return [
    ...spread(waits, MOST_WAITS).map(waitStep),
    ...spread(scaling, MOST_SCALING_STEPS).flatMap((each) => scalingSteps(each, lane)),
  ];
}

function attemptSteps({ attempts }: ExecutionFacts): ExplainedStep[] {
  return attempts.map(({ attempt, workerId, error, at }) => {
    const where = workerId === null ? "" : ` on worker ${workerId}`;
    const node = error.nodeId === undefined ? "" : ` in node ${error.nodeId}`;
    const what = `attempt ${attempt}${where} failed${node}: ${error.code}`;
    return { at, what, why: [error.message] };
  });
}

function startedStep({ startedAt, queuedAt, workerId }: ExecutionFacts): ExplainedStep[] {
  if (startedAt === null || workerId === null) return [];
  const waitedMs = Date.parse(startedAt) - Date.parse(queuedAt ?? "");
  const waited = Number.isNaN(waitedMs) ? "" : `, ${span(waitedMs)} after it came`;
  return [{ at: startedAt, what: `started on worker ${workerId}${waited}`, why: [] }];
}

function endStep({ finishedAt, status, error, deadReason }: ExecutionFacts): ExplainedStep[] {
  if (finishedAt === null) return [];
  const why = error === undefined ? [] : [`${error.code}: ${error.message}`];
  const dead = deadReason === undefined ? "" : `, dead-lettered as ${deadReason}`;
  return [{ at: finishedAt, what: `${status}${dead}`, why }];
}

/** What is so now, of one that has not ended. */
function presentSteps(facts: ExecutionFacts): ExplainedStep[] {
  const { status, finishedAt, pausedFor, before, now, workerId, attempts } = facts;
  if (finishedAt !== null) return [];
  const step = (what: string, ...why: readonly string[]) => [{ at: null, what, why }];
  if (pausedFor !== undefined) return step(`paused since ${pausedFor.at}`, pausedFor.reason);
  if (status === "running") return step(`runs on worker ${workerId ?? "unknown"}`);
  const retryAt = attempts.at(-1)?.retryAt;
  if (status === "retrying" && retryAt !== undefined)
    return step(`waits for its retry at ${retryAt}`);
  const others = before === 1 ? "1 other" : `${before} others`;
  const there = before === null ? "waits in its lane" : `waits in its lane behind ${others}`;
  return step(there, ...placementText(now));
}

function placementText(now: PlacementNow | null): string[] {
  if (now === null) return ["no orchestrator could be asked who could take it"];
  const { type, reason } = now.placement;
  const told = type === "assign" ? `a worker has room for it now: ${reason}` : reason;
  return [told, ...consideredText(now)];
}

function summaryOf(facts: ExecutionFacts): string {
  const { executionId, status, attempts, queuedAt, startedAt, finishedAt } = facts;
  const tries = attempts.length === 1 ? "attempt" : "attempts";
  const failed = attempts.length > 0 ? `, ${attempts.length} failed ${tries}` : "";
  const waitedMs = Date.parse(startedAt ?? "") - Date.parse(queuedAt ?? "");
  // With attempts before it, that time was no mere wait.
  const isFirst = attempts.every(({ at }) => Date.parse(at) >= Date.parse(startedAt ?? ""));
  const time = isFirst
    ? `, waited ${span(waitedMs)}`
    : `, last started ${span(waitedMs)} after it came`;
  const waited = Number.isNaN(waitedMs) ? "" : time;
  const ranMs = Date.parse(finishedAt ?? "") - Date.parse(startedAt ?? "");
  const ran = Number.isNaN(ranMs) ? "" : `, ran ${span(ranMs)}`;
  return `${executionId}: ${status}${waited}${ran}${failed}`;
}

/** So many of them, the first and the last among them. */
function spread<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, index) => {
    return all[Math.round((index * (all.length - 1)) / (most - 1))] as T;
  });
}

function compare(one: string | null, other: string | null): number {
  return Date.parse(one ?? "9999-12-31") - Date.parse(other ?? "9999-12-31");
}
