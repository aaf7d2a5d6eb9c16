import { decideScale } from "../src/domain/scaling.ts";
import type { ScalingFacts, ScalingPolicy } from "../src/domain/scaling-facts.ts";
import { factsOf, POLICY, waiting, workers } from "../test/domain/scaling-fixtures.ts";
import { type Latency, latencyOf } from "./measure.ts";

const RUNS = 2_000;
const WARM_UP = 200;

export interface DecidingFigures {
  readonly workers: number;
  readonly decide: Latency;
  /** The same facts written as JSON and read again: what taking them down costs. */
  readonly copy: Latency;
}

/** How long a decision about a fleet takes: one that grows it, and one that has to find the emptiest. */
export function measureDeciding(count: number): DecidingFigures {
  const policy: ScalingPolicy = { ...POLICY, maxWorkers: 2 * count, downStep: count / 10 };
  const fleet = workers(count).map((worker, index) => ({ ...worker, inFlight: index % 5 }));
  const growing = factsOf(count, { workers: fleet, lanes: waiting(100_000), load: 1, meanLoad: 1 });
  const shrinking = factsOf(count, { workers: fleet, load: 0.1, meanLoad: 0.1 });
  const each = (run: (facts: ScalingFacts) => unknown) => [
    ...timesOf(() => run(growing)),
    ...timesOf(() => run(shrinking)),
  ];
  return {
    workers: count,
    decide: latencyOf(each((facts) => decideScale(facts, policy))),
    copy: latencyOf(each((facts) => JSON.parse(JSON.stringify(facts)))),
  };
}

function timesOf(run: () => unknown): number[] {
  for (let index = 0; index < WARM_UP; index += 1) run();
  return Array.from({ length: RUNS }, () => {
    const from = performance.now();
    run();
    return performance.now() - from;
  });
}
