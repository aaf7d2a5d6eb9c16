import { LANES, type PerLane, perLane } from "../lane.ts";

/** Milliseconds. */
export interface WaitFigures {
  readonly executions: number;
  readonly meanMs: number;
  readonly p50Ms: number;
  readonly p90Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What a simulation came to. */
export interface SimulationReport {
  readonly waits: PerLane<WaitFigures> & { readonly all: WaitFigures };
  /** Of all workers, those that boot and those that leave included. */
  readonly workerHours: number;
  readonly peakWorkers: number;
  readonly ups: number;
  readonly downs: number;
  readonly lastedMs: number;
}

export interface SimulationCounts {
  readonly waits: PerLane<readonly number[]>;
  readonly workerMs: number;
  readonly peak: number;
  readonly ups: number;
  readonly downs: number;
  readonly lastedMs: number;
}

const HOUR_MS = 3_600_000;

export function reportOf(counts: SimulationCounts): SimulationReport {
  const { waits, workerMs, peak, ups, downs, lastedMs } = counts;
  const all = LANES.flatMap((lane) => waits[lane]);
  return {
    waits: { ...perLane((lane) => figuresOf(waits[lane])), all: figuresOf(all) },
    workerHours: Math.round((workerMs / HOUR_MS) * 100) / 100,
    peakWorkers: peak,
    ups,
    downs,
    lastedMs: Math.round(lastedMs),
  };
}

function figuresOf(waitsMs: readonly number[]): WaitFigures {
  const sorted = Float64Array.from(waitsMs).sort();
  const at = (share: number) =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  const sum = sorted.reduce((total, wait) => total + wait, 0);
  return {
    executions: sorted.length,
    meanMs: sorted.length === 0 ? 0 : Math.round(sum / sorted.length),
    p50Ms: at(0.5),
    p90Ms: at(0.9),
    p99Ms: at(0.99),
    maxMs: at(1),
  };
}
