import { expect, test } from "vitest";
import { type Bucket, isFull, waitForToken, withoutToken } from "../../src/domain/token-bucket.ts";

const RATE = { burst: 3, perSecond: 2 };

/** How many of `count` are let through at each of these milliseconds. */
function passed(times: readonly number[], count: number): number[] {
  let bucket: Bucket | undefined;
  return times.map((at) => {
    let through = 0;
    for (let each = 0; each < count; each += 1) {
      if (waitForToken(bucket, RATE, at) > 0) continue;
      bucket = withoutToken(bucket, RATE, at);
      through += 1;
    }
    return through;
  });
}

test("a burst passes at once, then so many per second, and a rest fills it up again", () => {
  expect(passed([0, 500, 1_000, 1_100, 60_000], 100)).toEqual([3, 1, 1, 0, 3]);
});

test("it says how long to wait, and nothing passes sooner when the clock goes back", () => {
  const empty = { tokens: 0, at: 10_000 };
  expect(waitForToken(empty, RATE, 10_000)).toBe(500);
  expect(waitForToken(empty, RATE, 10_500)).toBe(0);
  expect(waitForToken(empty, RATE, 0)).toBe(500);
  expect(isFull(empty, RATE, 11_400)).toBe(false);
  expect(isFull(empty, RATE, 11_500)).toBe(true);
});
