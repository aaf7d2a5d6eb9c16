import fc from "fast-check";
import { expect, test } from "vitest";
import { placeTask, STRATEGIES, type WorkerCandidate } from "../../src/domain/balancing.ts";
import { placementScores, recordPlacement } from "../../src/domain/recorded-placement.ts";
import { replayDecision } from "../../src/domain/replay-decision.ts";
import { worker } from "./worker-candidate.ts";

const POLICY = { strategy: "least_busy", capacityLimit: 0.8 } as const;

const anyWorkers = fc.array(
  fc.record({
    slots: fc.integer({ min: 1, max: 20 }),
    inFlight: fc.integer({ min: 0, max: 25 }),
    committing: fc.integer({ min: 0, max: 3 }),
    assignable: fc.boolean(),
    healthWeight: fc.constantFrom(1, 0.25),
    supports: fc
      .subarray(["noop", "delay", "http-request"])
      .map((types): ReadonlySet<string> => new Set(types)),
  }),
  { maxLength: 8 },
);

test("any placement that was taken down gives the same choice again, after a trip through JSON", () => {
  fc.assert(
    fc.property(
      anyWorkers,
      fc.subarray(["noop", "delay", "sms-send"]),
      fc.constantFrom(...STRATEGIES),
      fc.nat(50),
      (changes, nodeTypes, strategy, cursor) => {
        const workers = changes.map((each, index) => worker(`w${index}`, each));
        const policy = { strategy, capacityLimit: 0.8 };
        const needs = { nodeTypes };
        const choice = placeTask(workers, needs, policy, cursor);
        const inputs = recordPlacement(workers, needs, policy, cursor);
        const record = JSON.parse(JSON.stringify({ kind: "assign", inputs, choice }));
        expect(replayDecision(record)).toEqual({ type: "same", choice });
      },
    ),
  );
});

test("what is taken down does not change when the worker does", () => {
  const live = { inFlight: 3 };
  const candidate: WorkerCandidate = {
    ...worker("a"),
    get inFlight() {
      return live.inFlight;
    },
  };
  // A spread would read the getter once: it has to be one still.
  const getter = Object.defineProperty(worker("a"), "inFlight", {
    get: () => live.inFlight,
    enumerable: true,
  });
  const { workers } = recordPlacement([candidate, getter], { nodeTypes: [] }, POLICY, 0);
  live.inFlight = 9;
  expect(workers.map(({ inFlight }) => inFlight)).toEqual([3, 3]);
});

test("each candidate is told with what it is measured by, or why it could not be chosen", () => {
  const workers = [
    worker("full", { slots: 5, inFlight: 4 }),
    worker("ill", { healthWeight: 0.25 }),
    worker("idle", { slots: 5 }),
    worker("gone", { assignable: false }),
    worker("other", { supports: new Set(["delay"]) }),
  ];
  expect(placementScores(workers, { nodeTypes: ["noop"] }, POLICY)).toEqual([
    { id: "idle", score: 1, why: "4 slots free" },
    { id: "ill", score: 0.25, why: "4 slots free, degraded" },
    { id: "full", score: null, why: "full: 4 in 5 slots, 4 may be used" },
    { id: "gone", score: null, why: "gets no work now" },
    { id: "other", score: null, why: "does not know noop" },
  ]);
});

test("the best candidate is the one that is chosen, by whatever strategy scores", () => {
  const workers = [worker("small", { slots: 5 }), worker("large", { slots: 50, inFlight: 20 })];
  for (const strategy of ["least_busy", "weighted"] as const) {
    const policy = { strategy, capacityLimit: 0.8 };
    const needs = { nodeTypes: ["noop"] };
    const [best] = placementScores(workers, needs, policy);
    expect(placeTask(workers, needs, policy, 0)).toMatchObject({ workerId: best?.id });
  }
});
