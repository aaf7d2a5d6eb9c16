import { describe, expect, test } from "vitest";
import { decideScale, needsAnswerNow } from "../../src/domain/scaling.ts";
import type { ScalingFacts, ScalingPolicy, WorkerLoad } from "../../src/domain/scaling-facts.ts";
import { ScalingMemory } from "../../src/domain/scaling-memory.ts";
import { factsOf, NOW, POLICY, waiting, workers } from "./scaling-fixtures.ts";

const decide = (facts: ScalingFacts, policy: Partial<ScalingPolicy> = {}) =>
  decideScale(facts, { ...POLICY, ...policy });
const reasons = (facts: ScalingFacts) => decide(facts).reasons.join("; ");
/** Ten tasks a second of half a second each: five slots busy. */
const BUSY = { meanLoad: 0.9, load: 0.9, arrivalsPerS: 10, meanServiceMs: 500 };

describe("more workers", () => {
  test("a lane above its watermark brings as many as work the backlog off in half a minute", () => {
    const decision = decide(factsOf(2, { lanes: waiting(3_000), meanServiceMs: 1_000 }));
    // 3000 in 30 s are 100 at once, by 5 slots of which 75 % are to be busy.
    expect(decision).toMatchObject({ action: "up", size: 27, desired: 20, start: 18 });
    expect(decision.reasons[0]).toBe("3000 waiting, more than 1000");
  });

  test("a backlog of long tasks asks for a slot for each, and not for more", () => {
    const long = {
      lanes: waiting(15),
      meanServiceMs: 600_000,
      workers: workers(2, { available: false }),
    };
    // 15 tasks, 5 slots of which 75 % are to be busy.
    expect(decide(factsOf(2, long))).toMatchObject({ size: 4, desired: 4 });
  });

  test("at the watermark nothing happens, one above it does", () => {
    expect(decide(factsOf(2, { lanes: waiting(1_000) })).action).toBe("hold");
    expect(decide(factsOf(2, { lanes: waiting(1_001) })).action).toBe("up");
  });

  test("a load above 70 % that lasts brings one more", () => {
    expect(decide(factsOf(4, BUSY))).toMatchObject({ action: "up", desired: 5 });
    expect(decide(factsOf(4, { ...BUSY, load: 0.1 })).action).toBe("hold");
    expect(decide(factsOf(4, { ...BUSY, meanLoad: 0.7, load: 0.7 })).action).toBe("hold");
  });

  test("work that nobody can take now brings one more, however little it is", () => {
    const none = { lanes: waiting(1), workers: workers(2, { available: false }) };
    expect(decide(factsOf(2, none))).toMatchObject({ action: "up", desired: 3 });
    expect(reasons(factsOf(2, none))).toContain("1 waiting and no worker is available");
  });

  test("a task that no live worker can run brings one, but not where one like those would not help", () => {
    const foreign = { unplaceable: 3, workers: workers(2, { managed: false }) };
    expect(decide(factsOf(2, foreign))).toMatchObject({ action: "up", desired: 3 });
    expect(decide(factsOf(2, { unplaceable: 3 })).action).toBe("hold");
  });

  test("while nothing is known of how long tasks take it goes step by step", () => {
    const facts = factsOf(2, { lanes: waiting(50_000), meanServiceMs: null });
    expect(decide(facts)).toMatchObject({ size: null, desired: 3 });
    expect(decide(facts, { upStep: 4 })).toMatchObject({ desired: 6 });
  });

  test("those that are starting count, and no step is added on top of them", () => {
    const facts = factsOf(2, { lanes: waiting(3_000), meanServiceMs: 100, starting: 3, target: 5 });
    expect(decide(facts)).toMatchObject({ action: "hold", count: 5, desired: 5 });
  });

  test("it waits for the cool-down after the last scale-up, and says for how long", () => {
    const facts = factsOf(4, { ...BUSY, lastUpAt: NOW - 4_000 });
    expect(decide(facts).action).toBe("hold");
    expect(reasons(facts)).toContain("cooling down for 6 s after the last scale-up");
    expect(decide(factsOf(4, { ...BUSY, lastUpAt: NOW - 10_000 })).action).toBe("up");
  });

  test("never more than the most", () => {
    expect(decide(factsOf(20, BUSY))).toMatchObject({ action: "hold", desired: 20 });
    expect(reasons(factsOf(20, BUSY))).toContain("already at the most, 20");
  });

  test("fewer than the least are made up for at once, without cool-down", () => {
    const facts = factsOf(0, { target: null, lastUpAt: NOW - 1 });
    expect(decide(facts)).toMatchObject({ action: "up", start: 2 });
    expect(reasons(facts)).toBe("0 workers, at least 2");
  });

  test("a worker that crashed is replaced, though the load does not ask for it", () => {
    const facts = factsOf(4, { target: 5, meanLoad: 0.5, load: 0.5, lastUpAt: NOW - 1 });
    expect(decide(facts)).toMatchObject({ action: "up", start: 1, desired: 5 });
    expect(reasons(facts)).toBe("4 of the 5 workers that were decided are there");
  });
});

describe("a number that was decided and is not there", () => {
  /** An up to eight that came to nothing: two are left, and the burst is over. */
  const failed = { target: 8, lastUpAt: NOW - 60_000, sizes: [{ at: NOW - 181_000, size: 8 }] };

  test("is not pursued once the load asks for no more, and not again when some load comes back", () => {
    const decision = decide(factsOf(2, failed));
    expect(decision).toMatchObject({ action: "down", desired: 2, start: 0, drain: [] });
    expect(decision.reasons).toEqual([
      "2 of the 8 workers that were decided are there, and the load asks for no more",
    ]);
    const memory = new ScalingMemory(POLICY.stabilizationMs);
    memory.note({ ...decision, action: "up", desired: 8 }, NOW - 60_000, 2);
    memory.note(decision, NOW, 2);
    expect(memory.facts.target).toBe(2);
    expect(needsAnswerNow(factsOf(2, failed), POLICY)).toBeUndefined();
  });

  test("is pursued while the load is neither high nor low, or asked for it within three minutes", () => {
    expect(decide(factsOf(2, { ...failed, meanLoad: 0.5 }))).toMatchObject({ start: 6 });
    const lately = { sizes: [{ at: NOW - 179_000, size: 7 }] };
    expect(decide(factsOf(2, { ...failed, ...lately }))).toMatchObject({ desired: 7, start: 5 });
    expect(decide(factsOf(2, { ...failed, lastUpAt: NOW - 59_000 }))).toMatchObject({ start: 6 });
  });

  test("is given up down to the least and no further, though not one worker is left", () => {
    const none = { ...failed, meanLoad: null, load: null };
    expect(decide(factsOf(0, none))).toMatchObject({ action: "up", start: 2 });
  });
});

describe("fewer workers", () => {
  const idle = (count: number, changes: Partial<ScalingFacts> = {}) =>
    factsOf(count, { meanLoad: 0.1, load: 0.1, ...changes });

  test("a load below 30 % retires one, the emptiest", () => {
    const busy = workers(4).map((worker, index) => ({ ...worker, inFlight: 4 - index }));
    expect(decide(idle(4, { workers: busy }))).toMatchObject({
      action: "down",
      desired: 3,
      drain: ["w-4"],
    });
  });

  test("never below the least, nor below what the load asked for within three minutes", () => {
    expect(decide(idle(2)).action).toBe("hold");
    const lately = { sizes: [{ at: NOW - 170_000, size: 4 }] };
    expect(decide(idle(4, lately)).action).toBe("hold");
    expect(reasons(idle(4, lately))).toBe("the load asked for 4 lately, there are 4");
    const before = { sizes: [{ at: NOW - 181_000, size: 4 }] };
    expect(decide(idle(4, before))).toMatchObject({ action: "down", desired: 3 });
  });

  test("one step per cool-down, counted from the last scaling in either direction", () => {
    expect(decide(idle(4, { lastUpAt: NOW - 59_000 })).action).toBe("hold");
    expect(decide(idle(4, { lastDownAt: NOW - 59_000 })).action).toBe("hold");
    expect(decide(idle(4, { lastDownAt: NOW - 60_000 })).action).toBe("down");
    expect(decide(idle(9), { downStep: 3 })).toMatchObject({ desired: 6 });
  });

  test("nobody is retired above the low watermark, nor while others are starting", () => {
    expect(decide(idle(4, { lanes: waiting(100) })).action).toBe("hold");
    expect(decide(idle(4, { starting: 1, target: 5 })).action).toBe("hold");
  });

  test("only those that the provisioner can stop, and nobody who leaves already", () => {
    const mixed = [
      ...workers(2, { managed: false }),
      ...workers(1, { workerId: "own", inFlight: 3 }),
      ...workers(1, { workerId: "going", leaving: true }),
    ];
    expect(decide(idle(3, { workers: mixed }))).toMatchObject({ drain: ["own"], desired: 2 });
    const foreign = { workers: workers(4, { managed: false }) };
    expect(decide(idle(4, foreign))).toMatchObject({ action: "hold", drain: [] });
  });

  test("nobody who works is retired for the sake of those that are still starting", () => {
    const fewer = { mode: { type: "fixed", workers: 3 }, starting: 18 } as const;
    const decision = decide(factsOf(2, { ...fewer, target: 20 }));
    expect(decision).toMatchObject({ action: "hold", drain: [] });
    expect(decision.reasons.at(-1)).toBe("18 are starting, and retired once they have come");
    expect(decide(factsOf(5, { ...fewer, target: 23 })).drain).toHaveLength(2);
  });

  test("of workers that hold as much, one that takes nothing goes before one that does", () => {
    const [ill, fit] = workers(2) as [WorkerLoad, WorkerLoad];
    const fleet = [
      { ...ill, available: false },
      fit,
      ...workers(1, { workerId: "a", inFlight: 1 }),
    ];
    expect(decide(idle(3, { workers: fleet })).drain).toEqual([ill.workerId]);
  });

  test("more than the most are retired at once", () => {
    expect(decide(idle(6, BUSY), { maxWorkers: 4 })).toMatchObject({ action: "down", desired: 4 });
  });
});

describe("what people and the supervisor want", () => {
  test("a fixed number is kept, whatever the load", () => {
    const fixed = (workers: number) => ({ ...BUSY, mode: { type: "fixed", workers } as const });
    expect(decide(factsOf(4, fixed(6)))).toMatchObject({ action: "up", start: 2 });
    expect(decide(factsOf(4, fixed(4))).action).toBe("hold");
    expect(decide(factsOf(4, fixed(1)))).toMatchObject({ action: "down", desired: 1 });
  });

  test("a number above the most, which was lowered since, brings no more than the most", () => {
    const facts = factsOf(20, { mode: { type: "fixed", workers: 40 }, target: 40 });
    expect(decide(facts)).toMatchObject({ action: "hold", desired: 20 });
    expect(reasons(facts)).toBe("an operator set 40 workers, at most 20 are allowed, there are 20");
    expect(needsAnswerNow(facts, POLICY)).toBeUndefined();
  });

  test("paused: nobody comes and nobody goes, not even for the least", () => {
    const mode = { type: "paused" } as const;
    expect(decide(factsOf(1, { ...BUSY, mode })).action).toBe("hold");
    expect(decide(factsOf(9, { mode })).action).toBe("hold");
    expect(needsAnswerNow(factsOf(0, { mode }), POLICY)).toBeUndefined();
  });

  test("a supervisor that doubts itself scales nothing", () => {
    const frozen = "3 of 4 workers are suspect at once";
    expect(decide(factsOf(0, { frozen })).action).toBe("hold");
    expect(reasons(factsOf(0, { frozen }))).toBe(`frozen: ${frozen}`);
  });

  test("when many die, those are replaced and nobody is added", () => {
    const escalated = "11 workers died in 5 minutes";
    expect(decide(factsOf(4, { ...BUSY, escalated })).action).toBe("hold");
    expect(decide(factsOf(2, { ...BUSY, escalated, target: 4 }))).toMatchObject({ desired: 4 });
  });

  test("when many die under a deep lane, those are replaced all the same: somebody has to run it", () => {
    const deep = { escalated: "5 workers died in 5 minutes", lanes: waiting(50_000) };
    const decision = decide(factsOf(0, { ...deep, meanLoad: null, load: null, target: 5 }));
    expect(decision).toMatchObject({ action: "up", start: 5 });
    expect(decision.reasons).toEqual([
      "0 of the 5 workers that were decided are there",
      "no worker is added: 5 workers died in 5 minutes",
    ]);
    expect(decide(factsOf(1, { ...deep, target: null }))).toMatchObject({ desired: 2 });
  });

  test("where others act, what they were told counts and not how far they are", () => {
    const advice = factsOf(2, { ...BUSY, advisory: true, target: 4 });
    expect(decide(advice)).toMatchObject({ action: "up", count: 4, desired: 5 });
    const idle = factsOf(2, { advisory: true, target: 4 });
    expect(decide(idle)).toMatchObject({ action: "down", desired: 3, drain: [] });
  });
});

describe("facts that cannot be", () => {
  test("a clock that was set back holds nothing up until it is that late again", () => {
    const later = { lastUpAt: NOW + 3_600_000, lastDownAt: NOW + 3_600_000 };
    expect(decide(factsOf(4, { ...BUSY, ...later })).action).toBe("up");
    const size = { sizes: [{ at: NOW + 3_600_000, size: 4 }] };
    expect(decide(factsOf(4, { ...later, ...size })).action).toBe("down");
  });

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -1e9])(
    "%d in place of a measure starts no such number of workers, and retires nobody below the least",
    (odd) => {
      for (const measure of ["meanLoad", "load", "arrivalsPerS", "meanServiceMs"] as const) {
        const facts = factsOf(4, { ...BUSY, lanes: waiting(5_000), [measure]: odd });
        const { desired, start, size } = decide(facts);
        expect(desired, measure).toBeGreaterThanOrEqual(POLICY.minWorkers);
        expect(desired, measure).toBeLessThanOrEqual(POLICY.maxWorkers);
        expect(Number.isInteger(start), measure).toBe(true);
        expect(size === null || Number.isFinite(size), measure).toBe(true);
      }
      expect(decide(factsOf(4, { meanLoad: Number.NaN })).action).toBe("hold");
    },
  );
});

test("what cannot wait for the interval says so, and an idle fleet does not", () => {
  expect(needsAnswerNow(factsOf(2), POLICY)).toBeUndefined();
  expect(needsAnswerNow(factsOf(9), POLICY)).toBeUndefined();
  expect(needsAnswerNow(factsOf(1), POLICY)).toBe("1 workers, at least 2");
  expect(needsAnswerNow(factsOf(2, { lanes: waiting(1_001) }), POLICY)).toContain("1001 waiting");
});
