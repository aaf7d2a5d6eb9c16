import fc from "fast-check";
import { expect, test } from "vitest";
import { LANES, type Lane, perLane } from "../../src/domain/lane.ts";
import { NO_DEFICITS, planPulls, settlePull } from "../../src/domain/lane-scheduling.ts";

const WEIGHTS = { high: 8, normal: 3, low: 1 };
const ALL_WET = perLane(() => true);

function pullFor(cycles: readonly number[]): Record<Lane, number> {
  const taken = { high: 0, normal: 0, low: 0 };
  let deficits = NO_DEFICITS;
  for (const free of cycles) {
    const plan = planPulls(free, ALL_WET, WEIGHTS, deficits);
    deficits = plan.deficits;
    for (const lane of LANES) taken[lane] += plan.pulls[lane];
  }
  return taken;
}

test("full lanes share the slots 8:3:1, however few are free at a time", () => {
  for (const free of [1, 2, 5, 80]) {
    const cycles = Array.from({ length: Math.ceil(12_000 / free) }, () => free);
    const taken = pullFor(cycles);
    const total = taken.high + taken.normal + taken.low;
    expect(taken.high / total).toBeCloseTo(8 / 12, 2);
    expect(taken.normal / total).toBeCloseTo(3 / 12, 2);
    expect(taken.low / total).toBeCloseTo(1 / 12, 2);
  }
});

test("a cycle never pulls more than is free, and leaves nothing idle while a lane is wet", () => {
  const wet = fc.record({ high: fc.boolean(), normal: fc.boolean(), low: fc.boolean() });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 200 }), wet), { maxLength: 50 }),
      (cycles) => {
        let deficits = NO_DEFICITS;
        for (const [free, lanes] of cycles) {
          const plan = planPulls(free, lanes, WEIGHTS, deficits);
          deficits = plan.deficits;
          const asked = LANES.reduce((sum, lane) => sum + plan.pulls[lane], 0);
          const anyWet = LANES.some((lane) => lanes[lane]);
          expect(asked).toBe(anyWet ? free : 0);
          for (const lane of LANES) if (!lanes[lane]) expect(plan.pulls[lane]).toBe(0);
        }
      },
    ),
  );
});

test("the low lane is served at least once in 12 slots while all lanes are full", () => {
  let deficits = NO_DEFICITS;
  let since = 0;
  for (let slot = 0; slot < 1_000; slot += 1) {
    const plan = planPulls(1, ALL_WET, WEIGHTS, deficits);
    deficits = plan.deficits;
    since = plan.pulls.low === 1 ? 0 : since + 1;
    expect(since).toBeLessThan(13);
  }
});

test("a lane that came up short keeps no claim for later", () => {
  const plan = planPulls(1, ALL_WET, WEIGHTS, NO_DEFICITS);
  const settled = settlePull({ ...plan.deficits, normal: 5 }, "normal", 4, 1);
  expect(settled.normal).toBe(0);
  expect(settlePull(plan.deficits, "high", 1, 1)).toEqual(plan.deficits);
});
