import type { ErrorInfo } from "./errors.ts";
import type { ScalingDecision, ScalingFacts } from "./scaling-facts.ts";

/** A decision as far as explaining goes; the records of `supervisor.decision.<kind>` fit. */
export interface ToldDecision {
  readonly kind: string;
  /** ISO 8601. */
  readonly at: string;
  readonly about: {
    readonly executionId?: string | undefined;
    readonly workerId?: string | undefined;
  };
  readonly inputs: unknown;
  readonly candidates: readonly { readonly id: string; readonly why: string }[];
  readonly choice: unknown;
  readonly reasons: readonly string[];
}

export interface ToldAttempt {
  readonly attempt: number;
  readonly workerId: string | null;
  readonly error: ErrorInfo;
  readonly at: string;
  readonly retryAt?: string | undefined;
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
  /** Of kind scale, while it waited. */
  readonly scaling: readonly ToldDecision[];
  /** While it waits in its lane: how many are before it at the most; null when it does not, or nobody knows. */
  readonly before: number | null;
  /** How the fleet stands now; null when nobody could be asked, or it has ended. */
  readonly fleet: { readonly workers: number; readonly meanLoad: number | null } | null;
}

/** One thing that happened to it, and why. */
export interface ExplainedStep {
  /** ISO 8601; null for what is so now. */
  readonly at: string | null;
  readonly what: string;
  readonly why: readonly string[];
}

export interface Explanation {
  readonly executionId: string;
  readonly status: string;
  readonly summary: string;
  readonly steps: readonly ExplainedStep[];
}

/** Waits below this are the time that handing over takes, and need no reason. */
const WORTH_A_REASON_MS = 1_000;
const MOST_SCALING_STEPS = 6;
const MOST_CANDIDATES = 8;

/** Where an execution waited and why, who was considered, and which attempt failed how: in the order of time. */
export function explainExecution(facts: ExecutionFacts): Explanation {
  const steps = [
    ...queuedStep(facts),
    ...scalingSteps(facts),
    ...facts.decisions.flatMap((decision) => decisionSteps(facts, decision)),
    ...attemptSteps(facts),
    ...startedStep(facts),
    ...endStep(facts),
  ].sort((one, other) => compare(one.at, other.at));
  const { executionId, status } = facts;
  return {
    executionId,
    status,
    summary: summaryOf(facts),
    steps: [...steps, ...presentSteps(facts)],
  };
}

function queuedStep({ queuedAt, lane, flowId }: ExecutionFacts): ExplainedStep[] {
  if (queuedAt === null) return [];
  const what = `published to the lane ${lane ?? "unknown"}, flow ${flowId ?? "unknown"}`;
  return [{ at: queuedAt, what, why: [] }];
}

/** How the lanes and the fleet stood while it waited: those decisions say why nobody had room. */
function scalingSteps(facts: ExecutionFacts): ExplainedStep[] {
  const { queuedAt, startedAt, lane } = facts;
  if (queuedAt === null) return [];
  const waitedMs = Date.parse(startedAt ?? "") - Date.parse(queuedAt);
  if (waitedMs < WORTH_A_REASON_MS) return [];
  return spread(facts.scaling, MOST_SCALING_STEPS).flatMap(({ at, inputs, choice, reasons }) => {
    const fleet = (inputs as { facts?: ScalingFacts } | null)?.facts;
    if (fleet === undefined) return [];
    const waiting = fleet.lanes.find((each) => each.lane === lane)?.waiting ?? 0;
    const free = fleet.workers.filter(({ available, leaving }) => available && !leaving);
    const load = fleet.meanLoad === null ? "unknown" : `${Math.round(fleet.meanLoad * 100)} %`;
    const workers = `${free.length} of ${fleet.workers.length} workers could be given tasks`;
    const what = `${waiting} waited in the lane ${lane}; ${workers}, mean load ${load}`;
    return [{ at, what, why: [scaleText(choice as ScalingDecision), ...reasons] }];
  });
}

function scaleText({ action, count, desired }: ScalingDecision): string {
  return action === "hold"
    ? `kept ${count} workers`
    : `${action} from ${count} to ${desired} workers`;
}

function decisionSteps(facts: ExecutionFacts, decision: ToldDecision): ExplainedStep[] {
  const { kind, at, reasons, choice, candidates, inputs, about } = decision;
  const considered = candidates
    .slice(0, MOST_CANDIDATES)
    .map(({ id, why }) => `considered ${id}: ${why}`);
  switch (kind) {
    case "assign":
      return [{ at, what: placedText(choice), why: [...reasons, ...considered] }];
    case "unplaceable":
      return [
        { at, what: "no worker could run it: handed back", why: [...reasons, ...considered] },
      ];
    case "redistribute": {
      const { order = [] } = choice as { order?: readonly string[] };
      const place = order.indexOf(facts.executionId) + 1;
      const what = `its worker ${about.workerId} was lost; it moved as number ${place} of ${order.length}`;
      return [{ at, what, why: reasons }];
    }
    case "retry":
      return [{ at, what: retryText(choice), why: reasons }];
    case "deadletter":
      return [
        { at, what: `given up${becauseText(choice)}`, why: [...reasons, ...problems(inputs)] },
      ];
    default:
      return [];
  }
}

function placedText(choice: unknown): string {
  const { type, workerId } = choice as { type?: string; workerId?: string };
  return type === "assign" ? `given to worker ${workerId}` : "found no worker with room";
}

function retryText(choice: unknown): string {
  const { delayMs = 0 } = choice as { delayMs?: number };
  return delayMs === 0 ? "to be tried again at once" : `to be tried again after ${span(delayMs)}`;
}

function becauseText(choice: unknown): string {
  const { because } = choice as { because?: string };
  return because === undefined ? "" : ` as ${because}`;
}

function problems(inputs: unknown): string[] {
  const { problems: all = [] } = (inputs ?? {}) as {
    problems?: readonly { pointer: string; detail: string }[];
  };
  return all.map(({ pointer, detail }) => `${pointer || "/"} ${detail}`);
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
  const waited =
    queuedAt === null
      ? ""
      : `, ${span(Date.parse(startedAt) - Date.parse(queuedAt))} after it came`;
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
  const { status, finishedAt, pausedFor, before, fleet, workerId, attempts } = facts;
  if (finishedAt !== null) return [];
  const step = (what: string, ...why: readonly string[]) => [{ at: null, what, why }];
  if (pausedFor !== undefined) return step(`paused since ${pausedFor.at}`, pausedFor.reason);
  if (status === "running") return step(`runs on worker ${workerId ?? "unknown"}`);
  const retryAt = attempts.at(-1)?.retryAt;
  if (status === "retrying" && retryAt !== undefined)
    return step(`waits for its retry at ${retryAt}`);
  const there = before === null ? "waits in its lane" : `waits in its lane behind ${before} others`;
  return step(there, ...fleetText(fleet));
}

function fleetText(fleet: ExecutionFacts["fleet"]): string[] {
  if (fleet === null) return ["no orchestrator could be asked how the fleet stands"];
  const { workers, meanLoad } = fleet;
  if (workers === 0) return ["there is no worker"];
  const load =
    meanLoad === null ? "none may be given tasks" : `mean load ${Math.round(meanLoad * 100)} %`;
  return [`${workers} workers, ${load}`];
}

function summaryOf(facts: ExecutionFacts): string {
  const { executionId, status, attempts, queuedAt, startedAt, finishedAt } = facts;
  const failed = attempts.length > 0 ? `, ${attempts.length} failed attempts` : "";
  const waitedMs = Date.parse(startedAt ?? "") - Date.parse(queuedAt ?? "");
  const waited = Number.isNaN(waitedMs) ? "" : `, waited ${span(waitedMs)}`;
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

function span(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : `${(ms / 1_000).toFixed(1)} s`;
}
