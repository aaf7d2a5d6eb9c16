import fc from "fast-check";
import { expect, test } from "vitest";
import { freeSlots } from "../../src/domain/balancing.ts";
import { swallows, withMissing } from "../../src/domain/missing-tasks.ts";
import { believeLoad } from "../../src/domain/reported-load.ts";
import { worker } from "./worker-candidate.ts";

const SLOTS = 5;

test("tasks of other orchestrators are what a worker reports beyond the own books", () => {
  expect(believeLoad({ active: 4, committing: 1 }, SLOTS, 2)).toEqual({
    foreign: 3,
    committing: 1,
    plausible: true,
  });
});

test("a worker that says it is idle is given no more for it", () => {
  expect(believeLoad({ active: 0, committing: 0 }, SLOTS, 4)).toMatchObject({ foreign: 0 });
});

test.each([900, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
  "%d tasks in five slots are not believed",
  (active) => {
    expect(believeLoad({ active, committing: 0 }, SLOTS, 0).plausible).toBe(false);
  },
);

test("whatever a worker reports, its free slots are a number and no more than its slots less the books", () => {
  const said = fc.oneof(
    fc.double(),
    fc.integer(),
    fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY),
  );
  fc.assert(
    fc.property(said, said, fc.integer({ min: 0, max: 5 }), (active, committing, own) => {
      const load = believeLoad({ active, committing }, SLOTS, own);
      const inFlight = own + load.foreign;
      const free = freeSlots(
        worker("w1", { slots: SLOTS, inFlight, committing: Math.min(load.committing, inFlight) }),
        1,
      );
      expect(free).toBeGreaterThanOrEqual(0);
      expect(free).toBeLessThanOrEqual(SLOTS - own);
    }),
  );
});

test("a worker in whose hands eleven tasks vanish within a minute swallows them", () => {
  let times: readonly number[] = [];
  for (let task = 0; task < 10; task += 1) times = withMissing(times, 1, task * 1_000);
  expect(swallows(times)).toBeUndefined();
  expect(swallows(withMissing(times, 1, 10_000))).toMatch(/^quarantined: more than 10 tasks/);
  expect(swallows(withMissing(times, 1, 70_000))).toBeUndefined();
  expect(withMissing(times, 5_000, 10_000).length).toBe(11);
});
