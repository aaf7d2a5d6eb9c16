import { describe, expect, test } from "vitest";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { wishFrom } from "../../src/domain/kept-wish.ts";
import {
  changedWish,
  limitsOf,
  modeOf,
  NO_WISH,
  type WishChange,
} from "../../src/domain/scaling-wish.ts";

const SETTINGS = { minWorkers: 2, maxWorkers: 20 };
const AT = "2026-01-01T00:00:00.000Z";
const change = (wish: WishChange, from = NO_WISH) => changedWish(from, wish, SETTINGS, AT);

function pointersOf(wish: WishChange, from = NO_WISH): readonly string[] {
  try {
    change(wish, from);
  } catch (error) {
    if (error instanceof InvalidInputError) return error.problems.map(({ pointer }) => pointer);
    throw error;
  }
  return [];
}

describe("what a person wants of scaling", () => {
  test("a number alone is a fixed one, and auto ends it", () => {
    const fixed = change({ workers: 8, reason: "noon" });
    expect(fixed).toMatchObject({ mode: { type: "fixed", workers: 8 }, reason: "noon", at: AT });
    expect(change({ mode: "auto" }, fixed).mode).toEqual({ type: "auto" });
    expect(change({ mode: "paused" }, fixed).mode).toEqual({ type: "paused" });
  });

  test("what is left out stays as it is", () => {
    const limited = change({ maxWorkers: 50 });
    const fixed = change({ workers: 40 }, limited);
    expect(fixed).toMatchObject({ mode: { type: "fixed", workers: 40 }, maxWorkers: 50 });
    expect(change({ minWorkers: 3 }, fixed).mode).toEqual({ type: "fixed", workers: 40 });
  });

  test("null takes a limit back to its setting", () => {
    const limited = change({ minWorkers: 5, maxWorkers: 6 });
    expect(limitsOf(limited, SETTINGS)).toEqual({ minWorkers: 5, maxWorkers: 6 });
    const back = change({ minWorkers: null, maxWorkers: null }, limited);
    expect(limitsOf(back, SETTINGS)).toEqual(SETTINGS);
  });

  test("a lower maximum than the setting's minimum lowers that, too", () => {
    expect(limitsOf(change({ maxWorkers: 1 }), SETTINGS)).toEqual({ minWorkers: 1, maxWorkers: 1 });
  });

  test("more than the most, less than nothing to run on, and fixed without a number are refused", () => {
    expect(pointersOf({ workers: 21 })).toEqual(["/workers"]);
    expect(pointersOf({ mode: "fixed" })).toEqual(["/workers"]);
    expect(pointersOf({ mode: "auto", workers: 3 })).toEqual(["/workers"]);
    expect(pointersOf({ minWorkers: 30 })).toEqual(["/minWorkers"]);
    expect(pointersOf({ maxWorkers: 0 })).toContain("/maxWorkers");
    expect(pointersOf({ minWorkers: 5, maxWorkers: 4 })).toEqual(["/minWorkers"]);
    expect(pointersOf({ maxWorkers: 4 }, change({ workers: 8 }))).toEqual(["/workers"]);
  });

  test("switched off, scaling keeps the number that there is, but for a person's own word", () => {
    expect(modeOf(NO_WISH, true, 7)).toEqual({ type: "auto" });
    expect(modeOf(NO_WISH, false, 7)).toEqual({ type: "fixed", workers: 7 });
    expect(modeOf(change({ mode: "paused" }), false, 7)).toEqual({ type: "paused" });
    expect(modeOf(change({ workers: 3 }), false, 7)).toEqual({ type: "fixed", workers: 3 });
  });

  test("what was kept is read again as it was", () => {
    const wish = change({ workers: 8, maxWorkers: 50, reason: "noon" });
    expect(wishFrom(JSON.stringify(wish))).toEqual(wish);
    expect(wishFrom(JSON.stringify(NO_WISH))).toEqual(NO_WISH);
  });

  test.each([
    ["no JSON at all"],
    ["null"],
    ["[]"],
    ['{"mode":"auto"}'],
    ['{"mode":{"type":"fixed"}}'],
    ['{"mode":{"type":"fixed","workers":-3}}'],
    ['{"mode":{"type":"fixed","workers":"8"}}'],
    ['{"minWorkers":"x","maxWorkers":1e99,"reason":7,"at":0}'],
  ])("what somebody put there by hand and makes no sense counts as nothing said: %s", (text) => {
    const { mode, minWorkers, maxWorkers, at, reason } = wishFrom(text);
    expect({ mode, minWorkers, maxWorkers, at }).toEqual({
      mode: { type: "auto" },
      minWorkers: null,
      maxWorkers: null,
      at: null,
    });
    expect(reason).toContain("cannot be read");
  });

  test("what makes sense of it counts", () => {
    const text = '{"mode":{"type":"paused"},"minWorkers":-1,"maxWorkers":9}';
    expect(wishFrom(text)).toMatchObject({
      mode: { type: "paused" },
      minWorkers: null,
      maxWorkers: 9,
    });
  });
});
