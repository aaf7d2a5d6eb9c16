import { expect, test } from "vitest";
import { pongMatters } from "../../actors/worker-view.ts";

const INTERVAL_MS = 2_000;

test.each(["registering", "critical", "draining"] as const)(
  "each answered ping of a worker that is %s is told to its actor",
  (state) => {
    expect(pongMatters({ state, suspect: false }, 100, INTERVAL_MS)).toBe(true);
  },
);

test.each(["healthy", "degraded"] as const)(
  "those of a %s worker are told from the moment on in which its next beat may be missed",
  (state) => {
    const matters = (beatAgeMs: number | undefined) =>
      pongMatters({ state, suspect: false }, beatAgeMs, INTERVAL_MS);
    expect(matters(2_200)).toBe(false);
    // It would be late at 5 s: the ping of the second before then has to count.
    expect(matters(3_500)).toBe(true);
    expect(matters(undefined)).toBe(true);
    expect(pongMatters({ state, suspect: true }, 100, INTERVAL_MS)).toBe(true);
  },
);

test("of a worker that beats faster than it is pinged every answer is told", () => {
  expect(pongMatters({ state: "healthy", suspect: false }, 0, 400)).toBe(true);
});
