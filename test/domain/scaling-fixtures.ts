import { loadConfig } from "../../src/config/load.ts";
import { LANES } from "../../src/domain/lane.ts";
import type { ScalingFacts, ScalingPolicy, WorkerLoad } from "../../src/domain/scaling-facts.ts";
import { scalingPolicyOf } from "../../src/processes/scaling/scaling-policy.ts";

/** The settings as they are by default. */
export const POLICY: ScalingPolicy = scalingPolicyOf(loadConfig({ env: {} }).scaling);

export const NOW = 10_000_000;

export function workers(count: number, each: Partial<WorkerLoad> = {}): WorkerLoad[] {
  return Array.from({ length: count }, (_, index) => ({
    workerId: `w-${index + 1}`,
    available: true,
    leaving: false,
    slots: 5,
    inFlight: 0,
    managed: true,
    ...each,
  }));
}

/** So many waiting in the lane normal. */
export function waiting(count: number): ScalingFacts["lanes"] {
  return LANES.map((lane) => ({
    lane,
    waiting: lane === "normal" ? count : 0,
    oldestAgeMs: null,
  }));
}

/** An idle fleet of so many workers; `changes` says what is otherwise. */
export function factsOf(count: number, changes: Partial<ScalingFacts> = {}): ScalingFacts {
  return {
    now: NOW,
    mode: { type: "auto" },
    lanes: waiting(0),
    workers: workers(count),
    starting: 0,
    meanLoad: 0,
    load: 0,
    arrivalsPerS: 0,
    meanServiceMs: 100,
    unplaceable: 0,
    frozen: null,
    escalated: null,
    sizes: [],
    advisory: false,
    target: count,
    lastUpAt: null,
    lastDownAt: null,
    ...changes,
  };
}
