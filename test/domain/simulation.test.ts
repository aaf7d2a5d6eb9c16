import { expect, test } from "vitest";
import { decideScale } from "../../src/domain/scaling.ts";
import { type Arrival, arrivalsOf, LOADS } from "../../src/domain/simulation/load.ts";
import { decideAsSeed } from "../../src/domain/simulation/seed-rule.ts";
import { simulate } from "../../src/domain/simulation/simulate.ts";
import { TimeHeap } from "../../src/domain/simulation/time-heap.ts";
import { POLICY } from "./scaling-fixtures.ts";

const HOUR_MS = 3_600_000;
const OPTIONS = {
  policy: POLICY,
  decide: decideScale,
  answersAtOnce: true,
  evaluationIntervalMs: 60_000,
  bootMs: 45_000,
  slots: 5,
  capacityLimit: 0.8,
  weights: { high: 8, normal: 3, low: 1 },
};
const HELD = { ...OPTIONS, policy: { ...POLICY, minWorkers: 1, maxWorkers: 1 } };

test.each(LOADS)(
  "the load %s comes in its order, at its rate, the same for the same seed",
  (load) => {
    const options = { load, ratePerS: 10, serviceMs: 200, durationMs: 2 * HOUR_MS, seed: 5 };
    const arrivals = [...arrivalsOf(options)];
    expect(arrivals).toEqual([...arrivalsOf(options)]);
    expect(arrivals).not.toEqual([...arrivalsOf({ ...options, seed: 6 })]);
    const times = arrivals.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((one, other) => one - other));
    const extra = { steady: 0, sine: 0, spike: 6_000, burst: 2_400 }[load];
    expect(Math.abs(arrivals.length - 72_000 - extra)).toBeLessThan(1_500);
    const mean = arrivals.reduce((sum, { serviceMs }) => sum + serviceMs, 0) / arrivals.length;
    expect(Math.abs(mean - 200)).toBeLessThan(5);
  },
);

test("a task that finds a free slot does not wait, and one that finds none waits for the next end", () => {
  const arrivals = Array.from({ length: 5 }, (): Arrival => {
    return { atMs: 0, lane: "normal", serviceMs: 300 };
  });
  // Of five slots four may be filled.
  const { waits } = simulate(arrivals, HELD);
  expect(waits.normal).toMatchObject({ executions: 5, p50Ms: 0, maxMs: 300 });
});

test("full lanes share the slots 8 to 3 to 1", () => {
  const arrivals = (["low", "normal", "high"] as const).flatMap((lane) =>
    Array.from({ length: 1_200 }, (): Arrival => ({ atMs: 0, lane, serviceMs: 100 })),
  );
  const { waits } = simulate(arrivals, HELD);
  // The high lane is through after 1200 of its own and 600 of the others.
  expect(waits.high.maxMs).toBeGreaterThan(43_000);
  expect(waits.high.maxMs).toBeLessThan(47_000);
  expect(waits.low.maxMs).toBeGreaterThan(waits.normal.maxMs);
});

test("a worker costs from its start on, while it boots and while it leaves as well", () => {
  const hour = [
    { atMs: 0, lane: "normal", serviceMs: 1 },
    { atMs: HOUR_MS, lane: "normal", serviceMs: 1 },
  ] as const;
  expect(simulate(hour, OPTIONS).workerHours).toBeCloseTo(2, 1);
  expect(simulate(hour, HELD).workerHours).toBeCloseTo(1, 1);
});

test("going by the load makes people wait a fraction of what the rule of the seed did", () => {
  const day = { load: "sine", ratePerS: 35, serviceMs: 1_000, durationMs: 4 * HOUR_MS } as const;
  const ours = simulate(arrivalsOf({ ...day, seed: 1 }), OPTIONS);
  const seed = simulate(arrivalsOf({ ...day, seed: 1 }), {
    ...OPTIONS,
    decide: decideAsSeed,
    answersAtOnce: false,
  });
  expect(ours.waits.all.meanMs * 10).toBeLessThan(seed.waits.all.meanMs);
  expect(ours.workerHours).toBeLessThan(seed.workerHours * 1.2);
}, 60_000);

test("what is due comes in the order of its time", () => {
  const heap = new TimeHeap<number>();
  const times = [5, 1, 4, 1, 3, 9, 2, 6];
  for (const time of times) heap.push(time, time);
  expect(times.map(() => heap.pop())).toEqual([1, 1, 2, 3, 4, 5, 6, 9]);
  expect(heap.pop()).toBeUndefined();
  expect(heap.nextMs).toBe(Number.POSITIVE_INFINITY);
});
