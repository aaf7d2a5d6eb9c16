import fc from "fast-check";
import { expect, test } from "vitest";
import {
  freeSlots,
  placeTask,
  STRATEGIES,
  type WorkerCandidate,
} from "../../src/domain/balancing.ts";
import { worker } from "./worker-candidate.ts";

const POLICY = { strategy: "least_busy", capacityLimit: 0.8 } as const;
const NOOP = { nodeTypes: ["noop"] };

function chosen(workers: readonly WorkerCandidate[], policy = POLICY, cursor = 0, needs = NOOP) {
  const placement = placeTask(workers, needs, policy, cursor);
  return placement.type === "assign" ? placement.workerId : placement.type;
}

test("a worker is filled to 80 % of its slots and no further", () => {
  expect(freeSlots(worker("a", { inFlight: 7 }), 0.8)).toBe(1);
  expect(freeSlots(worker("a", { inFlight: 8 }), 0.8)).toBe(0);
  expect(chosen([worker("a", { inFlight: 8 })])).toBe("wait");
});

test("a task whose result is being stored makes room, but never for more than there are slots", () => {
  expect(freeSlots(worker("a", { inFlight: 8, committing: 1 }), 0.8)).toBe(1);
  expect(freeSlots(worker("a", { inFlight: 8, committing: 8 }), 0.8)).toBe(2);
  expect(freeSlots(worker("a", { inFlight: 10, committing: 10 }), 0.8)).toBe(0);
});

test("a worker with a single slot still gets one task", () => {
  expect(freeSlots(worker("a", { slots: 1 }), 0.8)).toBe(1);
});

test("a degraded worker gets at most half of its slots", () => {
  expect(freeSlots(worker("a", { healthWeight: 0.25 }), 0.8)).toBe(4);
});

test("least_busy picks the worker with the largest share of free slots", () => {
  expect(chosen([worker("a", { inFlight: 5 }), worker("b", { inFlight: 2 })])).toBe("b");
});

test("weighted picks the worker with the most free slots", () => {
  const weighted = { ...POLICY, strategy: "weighted" } as const;
  const workers = [worker("small", { slots: 5 }), worker("large", { slots: 50, inFlight: 20 })];
  expect(chosen(workers, weighted as never)).toBe("large");
});

test("round_robin goes from one to the next", () => {
  const turns = [0, 1, 2, 3].map((cursor) =>
    chosen(
      [worker("a"), worker("b"), worker("c")],
      { ...POLICY, strategy: "round_robin" } as never,
      cursor,
    ),
  );
  expect(turns).toEqual(["a", "b", "c", "a"]);
});

test("equals share equally", () => {
  const turns = [0, 1, 2, 3].map((cursor) => chosen([worker("a"), worker("b")], POLICY, cursor));
  expect(turns).toEqual(["a", "b", "a", "b"]);
});

test("a task that nobody alive supports is unplaceable, and the reason names the type", () => {
  const placement = placeTask([worker("a")], { nodeTypes: ["noop", "gpu"] }, POLICY, 0);
  expect(placement).toMatchObject({
    type: "unplaceable",
    reason: expect.stringContaining('"gpu"'),
  });
});

test("without a live worker a task is unplaceable", () => {
  expect(chosen([])).toBe("unplaceable");
  expect(chosen([worker("a", { assignable: false })])).toBe("unplaceable");
});

test("whatever the strategy, a full, unfit or critical worker is never picked", () => {
  const anyWorker = fc.record({
    assignable: fc.boolean(),
    healthWeight: fc.constantFrom(1, 0.25),
    slots: fc.integer({ min: 1, max: 50 }),
    inFlight: fc.integer({ min: 0, max: 60 }),
    supports: fc.constantFrom(new Set(["noop"]), new Set(["other"])),
  });
  fc.assert(
    fc.property(
      fc.array(anyWorker, { maxLength: 12 }),
      fc.constantFrom(...STRATEGIES),
      fc.nat(1_000),
      (facts, strategy, cursor) => {
        const workers = facts.map((fact, index) => worker(`w${index}`, fact));
        const placement = placeTask(workers, NOOP, { strategy, capacityLimit: 0.8 }, cursor);
        const open = workers.filter(
          (each) => each.assignable && each.supports.has("noop") && freeSlots(each, 0.8) > 0,
        );
        if (placement.type === "assign") {
          expect(open.map(({ workerId }) => workerId)).toContain(placement.workerId);
        } else expect(open).toEqual([]);
      },
    ),
  );
});
