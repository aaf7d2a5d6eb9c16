import fc from "fast-check";
import { expect, test } from "vitest";
import { freeSlots, STRATEGIES } from "../../src/domain/balancing.ts";
import {
  afterDirected,
  afterForward,
  DIRECTING,
  isUniform,
  shareOut,
} from "../../src/domain/directing.ts";
import { worker } from "./worker-candidate.ts";

const POLICY = { strategy: "least_busy", capacityLimit: 0.8 } as const;

test("workers that all run the same are uniform, whoever else is not assignable", () => {
  const busy = worker("b", { inFlight: 9 });
  const sick = worker("c", { assignable: false, supports: new Set() });
  expect(isUniform([worker("a"), busy, sick])).toBe(true);
});

test.each([
  ["nobody is assignable", [worker("a", { assignable: false })]],
  ["one does not take directed pulls", [worker("a"), worker("b", { directed: false })]],
  ["one supports fewer types", [worker("a"), worker("b", { supports: new Set() })]],
  ["one supports other types", [worker("a"), worker("b", { supports: new Set(["if"]) })]],
  ["one is in another pool", [worker("a"), worker("b", { pool: "gpu" })]],
])("a fleet is not uniform when %s", (_, workers) => {
  expect(isUniform(workers)).toBe(false);
});

test("equals share equally, and what is left over goes round", () => {
  const workers = [worker("a"), worker("b")];
  const first = shareOut(workers, 5, POLICY, 0);
  const second = shareOut(workers, 5, POLICY, 1);
  expect(first.map(({ count }) => count)).toEqual([3, 2]);
  expect(second.map(({ count }) => count)).toEqual([2, 3]);
});

test("a worker with more room gets more, a degraded one a quarter of that", () => {
  const workers = [worker("big", { slots: 40 }), worker("sick", { slots: 40, healthWeight: 0.25 })];
  const shares = shareOut(workers, 18, POLICY, 0);
  expect(Object.fromEntries(shares.map(({ workerId, count }) => [workerId, count]))).toEqual({
    big: 16,
    sick: 2,
  });
});

test("no share exceeds the room, and no slot stays empty while messages are left", () => {
  const anyWorker = fc.record({
    slots: fc.integer({ min: 1, max: 60 }),
    inFlight: fc.integer({ min: 0, max: 60 }),
    assignable: fc.boolean(),
    healthWeight: fc.constantFrom(1, 0.25),
  });
  const cases = fc.record({
    workers: fc.array(anyWorker, { maxLength: 8 }),
    count: fc.integer({ min: 1, max: 200 }),
    strategy: fc.constantFrom(...STRATEGIES),
    cursor: fc.nat(1_000),
  });
  fc.assert(
    fc.property(cases, ({ workers: changes, count, strategy, cursor }) => {
      const workers = changes.map((change, index) => worker(`w${index}`, change));
      const rooms = new Map(workers.map((each) => [each.workerId, freeSlots(each, 0.8)]));
      const room = [...rooms.values()].reduce((sum, each) => sum + each, 0);
      const shares = shareOut(workers, count, { strategy, capacityLimit: 0.8 }, cursor);
      const given = shares.reduce((sum, share) => sum + share.count, 0);
      expect(given).toBe(Math.min(count, room));
      for (const share of shares) {
        expect(share.count).toBeLessThanOrEqual(rooms.get(share.workerId) ?? 0);
      }
    }),
  );
});

test("a lane whose messages are handed back is forwarded, each time for longer", () => {
  const once = afterDirected(DIRECTING, 3);
  expect(once.forwardPulls).toBe(2);
  const twice = afterDirected(afterForward(afterForward(once)), 1);
  expect(twice.forwardPulls).toBe(4);
  expect(afterDirected(twice, 0)).toEqual({ forwardPulls: 0, penalty: 2 });
});
