import type { HealthHistory } from "./health-history.ts";
import { HEALTH_LIMITS, type HealthLimits, type HealthStep } from "./health-limits.ts";
import type { FleetFacts, HealthReport } from "./health-report.ts";

type HealthSignal = "loop-lag" | "memory" | "cpu" | "errors" | "deaf" | "late-beat" | "implausible";

/** One reason for points, for people and machines. */
interface HealthReason {
  readonly signal: HealthSignal;
  readonly points: number;
  readonly text: string;
}

export interface HealthVerdict {
  /** 0 is well, 8 is as ill as it gets: the sum of the points, capped. */
  readonly score: number;
  readonly reasons: readonly HealthReason[];
  /** Memory is so high that one beat is enough for critical. */
  readonly memoryCritical: boolean;
  /** What the worker says about itself. */
  readonly says: HealthReport["status"];
}

/** What `scoreHealth` looks at. */
export interface HealthInput {
  readonly report: HealthReport;
  /** The history with `report` already remembered in it. */
  readonly history: HealthHistory;
  readonly fleet: FleetFacts;
  readonly heartbeatIntervalMs: number;
  /** Its slots, as it registered them. */
  readonly maxConcurrentFlows: number;
  /** Epoch milliseconds. */
  readonly now: number;
}

const NO_REASONS: readonly HealthReason[] = [];

/** How ill a worker is, from 0 to 8, and why. Nothing is remembered here: see `rememberBeat`. */
export function scoreHealth(input: HealthInput, limits = HEALTH_LIMITS): HealthVerdict {
  const { report } = input;
  const found = [
    ofLoopLag(report, limits),
    ofMemory(report, limits),
    ofCpu(input.history, limits),
    ofErrors(input, limits),
    ofDeafness(input, limits),
    ofLateness(input, limits),
    ofClaims(input, limits),
  ].filter((reason) => reason !== undefined);
  // A verdict is kept for each worker: of those that are well all have the same list.
  const reasons = found.length === 0 ? NO_REASONS : found;
  const sum = reasons.reduce((total, reason) => total + reason.points, 0);
  return {
    score: Math.min(sum, limits.maxScore),
    reasons,
    memoryCritical: report.currentLoad.memoryUsagePercent > limits.memoryCriticalPercent,
    says: report.status,
  };
}

/** The verdict on a worker that has not said anything yet. */
export const NO_VERDICT: HealthVerdict = {
  score: 0,
  reasons: [],
  memoryCritical: false,
  says: "healthy",
};

/**
 * The median to compare a worker with, out of the error rates of the *others* that run the same node
 * types. Undefined below two: one other worker is no fleet.
 */
export function medianErrorRate(rates: readonly number[]): number | undefined {
  if (rates.length < 2) return undefined;
  const sorted = [...rates].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

function ofLoopLag(report: HealthReport, limits: HealthLimits): HealthReason | undefined {
  const lag = report.eventLoopLagMs;
  const step = worst(limits.loopLagMs, lag);
  return (
    step &&
    reason("loop-lag", step, `event loop lag ${Math.round(lag)} ms is above ${step.above} ms`)
  );
}

function ofMemory(report: HealthReport, limits: HealthLimits): HealthReason | undefined {
  const percent = report.currentLoad.memoryUsagePercent;
  const step = worst(limits.memoryPercent, percent);
  if (step === undefined) return undefined;
  const text = `memory at ${Math.round(percent)} % of its limit is above ${step.above} %`;
  return reason("memory", step, text);
}

function ofCpu(history: HealthHistory, limits: HealthLimits): HealthReason | undefined {
  const recent = history.cpuPercents.slice(-limits.cpuBeats);
  if (recent.length < limits.cpuBeats) return undefined;
  const step = worst(limits.cpuPercent, Math.min(...recent));
  return (
    step && reason("cpu", step, `CPU above ${step.above} % on ${limits.cpuBeats} beats in a row`)
  );
}

function ofErrors(input: HealthInput, limits: HealthLimits): HealthReason | undefined {
  const { tasksCompleted, errorRate } = input.report.performance;
  const median = input.fleet.medianErrorRate;
  const tasks = tasksCompleted - (input.history.completed[0]?.tasks ?? tasksCompleted);
  if (median === undefined || tasks < limits.errorMinTasks) return undefined;
  const step = limits.errorRate.findLast(
    ({ above, timesMedian }) => errorRate > above && errorRate >= timesMedian * median,
  );
  if (step === undefined) return undefined;
  const text = `error rate ${percentOf(errorRate)} against ${percentOf(median)} in the fleet`;
  return reason("errors", step, text);
}

function ofDeafness(input: HealthInput, limits: HealthLimits): HealthReason | undefined {
  const since = input.history.deafSince;
  if (since === undefined) return undefined;
  const silentMs = input.now - since;
  const step = worst(limits.deafIntervals, silentMs / input.heartbeatIntervalMs);
  if (step === undefined) return undefined;
  const text = `deaf: has free slots, was handed work, took nothing for ${secondsOf(silentMs)}`;
  return reason("deaf", step, text);
}

function ofLateness(input: HealthInput, limits: HealthLimits): HealthReason | undefined {
  const gapMs = input.history.gapMs;
  const step = worst(limits.lateIntervals, gapMs / input.heartbeatIntervalMs);
  return step && reason("late-beat", step, `the last beat came after ${secondsOf(gapMs)}`);
}

function ofClaims(input: HealthInput, limits: HealthLimits): HealthReason | undefined {
  const { maxConcurrentFlows: slots, report } = input;
  const { activeFlows } = report.currentLoad;
  const step = worst(limits.claimedSlots, activeFlows / slots);
  if (step === undefined) return undefined;
  return reason("implausible", step, `says that it runs ${activeFlows} flows in ${slots} slots`);
}

function worst(steps: readonly HealthStep[], value: number): HealthStep | undefined {
  return steps.findLast(({ above }) => value > above);
}

function reason(signal: HealthSignal, { points }: HealthStep, text: string): HealthReason {
  return { signal, points, text: `${text} (+${points})` };
}

function percentOf(rate: number): string {
  return `${Math.round(rate * 100)} %`;
}

function secondsOf(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
