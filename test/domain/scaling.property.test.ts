import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decideScale } from "../../src/domain/scaling.ts";
import type { ScalingDecision, ScalingFacts, WorkerLoad } from "../../src/domain/scaling-facts.ts";
import { type Arrival, arrivalsOf } from "../../src/domain/simulation/load.ts";
import { simulate } from "../../src/domain/simulation/simulate.ts";
import { factsOf, NOW, POLICY, waiting } from "./scaling-fixtures.ts";

const share = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: null });
const instant = fc.option(fc.integer({ min: NOW - 600_000, max: NOW }), { nil: null });

const anyWorker: fc.Arbitrary<WorkerLoad> = fc.record({
  workerId: fc.uuid(),
  available: fc.boolean(),
  leaving: fc.boolean(),
  slots: fc.integer({ min: 1, max: 100 }),
  inFlight: fc.integer({ min: 0, max: 100 }),
  managed: fc.boolean(),
});

const anyFacts: fc.Arbitrary<ScalingFacts> = fc
  .record({
    workers: fc.array(anyWorker, { maxLength: 40 }),
    depth: fc.integer({ min: 0, max: 10_000_000 }),
    starting: fc.nat({ max: 30 }),
    meanLoad: share,
    load: share,
    arrivalsPerS: fc.double({ min: 0, max: 1e6, noNaN: true }),
    meanServiceMs: fc.option(fc.double({ min: 0, max: 1e7, noNaN: true }), { nil: null }),
    unplaceable: fc.nat({ max: 3 }),
    escalated: fc.option(fc.constant("many died"), { nil: null }),
    sizes: fc.array(
      fc.record({
        at: fc.integer({ min: NOW - 400_000, max: NOW }),
        size: fc.nat({ max: 1_000 }),
      }),
      { maxLength: 5 },
    ),
    advisory: fc.boolean(),
    target: fc.option(fc.nat({ max: 40 }), { nil: null }),
    lastUpAt: instant,
    lastDownAt: instant,
  })
  .map(({ depth, ...rest }) => factsOf(0, { ...rest, lanes: waiting(depth) }));

function checkAll(check: (facts: ScalingFacts, decision: ScalingDecision) => void): void {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      check(facts, decideScale(facts, POLICY));
    }),
    { numRuns: 2_000 },
  );
}

describe("whatever the facts", () => {
  test("it never grows beyond the most, and never shrinks below the least", () => {
    checkAll((_, { action, desired, count }) => {
      if (action === "up") expect(desired).toBeLessThanOrEqual(POLICY.maxWorkers);
      if (action === "down") expect(desired).toBeGreaterThanOrEqual(POLICY.minWorkers);
      if (action === "hold") expect(desired).toBe(count);
    });
  });

  test("what is to be done is what leads from the count to what is wanted", () => {
    checkAll(({ advisory }, { action, desired, count, start, drain }) => {
      expect(start).toBe(action === "up" ? desired - count : 0);
      if (action === "down" && !advisory) expect(drain).toHaveLength(count - desired);
      if (action !== "down") expect(drain).toEqual([]);
      expect(new Set(drain).size).toBe(drain.length);
    });
  });

  test("only workers of the provisioner that stay are retired, and no emptier one is left", () => {
    checkAll(({ workers }, { drain }) => {
      const chosen = workers.filter(({ workerId }) => drain.includes(workerId));
      expect(chosen.every(({ managed, leaving }) => managed && !leaving)).toBe(true);
      const fullest = Math.max(...chosen.map(({ inFlight }) => inFlight));
      const emptier = workers.filter(
        ({ workerId, managed, leaving, inFlight }) =>
          managed && !leaving && inFlight < fullest && !drain.includes(workerId),
      );
      if (chosen.length > 0) expect(emptier).toEqual([]);
    });
  });

  test("it says why, and the same facts give the same decision after a way through JSON", () => {
    checkAll((facts, decision) => {
      expect(decision.reasons.length).toBeGreaterThan(0);
      expect(decision.reasons.join()).not.toMatch(/NaN|Infinity|undefined/);
      const again = decideScale(JSON.parse(JSON.stringify(facts)), POLICY);
      expect(JSON.stringify(again)).toBe(JSON.stringify(decision));
    });
  });
});

const HOUR_MS = 3_600_000;

interface Recorded {
  readonly facts: ScalingFacts;
  readonly decision: ScalingDecision;
}

function run(arrivals: Iterable<Arrival>): { changes: Recorded[]; all: Recorded[] } {
  const all: Recorded[] = [];
  simulate(arrivals, {
    policy: POLICY,
    decide: decideScale,
    answersAtOnce: true,
    evaluationIntervalMs: 60_000,
    bootMs: 5_000,
    slots: 5,
    capacityLimit: 0.8,
    weights: { high: 8, normal: 3, low: 1 },
    record: (facts, decision) => all.push({ facts, decision }),
  });
  return { all, changes: all.filter(({ decision }) => decision.action !== "hold") };
}

describe("over time", () => {
  test.each([2, 5, 10, 20, 40])(
    "a constant load of %i/s brings the fleet to a size at which it stays",
    (ratePerS) => {
      // Evenly spaced, each as long as the other: whatever changes then is the rule's own doing.
      const stepMs = 1_000 / ratePerS;
      const even = Array.from({ length: (2 * HOUR_MS) / stepMs }, (_, index): Arrival => {
        return { atMs: index * stepMs, lane: "normal", serviceMs: 1_000 };
      });
      const { changes } = run(even);
      const late = changes.filter(({ facts }) => facts.now > HOUR_MS && facts.now < 2 * HOUR_MS);
      expect(late).toEqual([]);
    },
  );

  test("a random load of a constant mean does not make it swing", () => {
    const load = { load: "steady", ratePerS: 20, serviceMs: 500, durationMs: 4 * HOUR_MS } as const;
    const { changes } = run(arrivalsOf({ ...load, seed: 7 }));
    const late = changes.filter(({ facts }) => facts.now > HOUR_MS && facts.now < 4 * HOUR_MS);
    expect(late.length).toBeLessThanOrEqual(6);
  });

  test("a spike is answered within 2 s of crossing the watermark", () => {
    const spike = Array.from({ length: 5_000 }, (_, index): Arrival => {
      return { atMs: 600_000 + index, lane: "normal", serviceMs: 500 };
    });
    const { all } = run(spike);
    const crossed = all.find(({ facts }) => facts.lanes.some((lane) => lane.waiting > 1_000));
    // The thousandth to wait comes about a second after the first.
    const up = all.find(({ decision, facts }) => decision.action === "up" && facts.now >= 600_000);
    expect(crossed).toBeDefined();
    expect(up?.facts.now).toBeLessThanOrEqual(601_000 + 2_000);
    expect(up?.decision.desired).toBeGreaterThan(2);
  });

  test("a recorded run replays bit for bit, through text", () => {
    const load = { load: "spike", ratePerS: 20, serviceMs: 700, durationMs: HOUR_MS } as const;
    const { all, changes } = run(arrivalsOf({ ...load, seed: 3 }));
    expect(changes.length).toBeGreaterThan(2);
    for (const { facts, decision } of all) {
      const again = decideScale(JSON.parse(JSON.stringify(facts)), POLICY);
      expect(JSON.stringify(again)).toBe(JSON.stringify(decision));
    }
  });
});
