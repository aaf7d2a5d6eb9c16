import fc from "fast-check";
import { expect, test } from "vitest";
import {
  backoffDelayMs,
  DEFAULT_RETRY_POLICY,
  decideDeath,
  decideRetry,
} from "../../src/domain/retry.ts";

const TIMEOUT = { code: "TIMEOUT", message: "too slow", retryable: true };

test("a failure that may pass is tried again, up to the attempts of the policy", () => {
  expect(decideRetry(TIMEOUT, 1, DEFAULT_RETRY_POLICY, 0.5, 0)).toMatchObject({
    type: "retry",
    delayMs: 500,
  });
  expect(decideRetry(TIMEOUT, 5, DEFAULT_RETRY_POLICY, 0.5, 0)).toMatchObject({
    type: "give-up",
    because: "max_attempts",
  });
});

test("a failure that cannot pass is given up at once", () => {
  const error = { ...TIMEOUT, retryable: false };
  expect(decideRetry(error, 1, DEFAULT_RETRY_POLICY, 0.5, 0)).toMatchObject({
    type: "give-up",
    because: "not_retryable",
  });
});

test("an error may ask for its own delay", () => {
  const error = { ...TIMEOUT, retryAfterMs: 7_000 };
  expect(decideRetry(error, 1, DEFAULT_RETRY_POLICY, 0, 0)).toMatchObject({ delayMs: 7_000 });
});

test("an attempt that would start after the deadline is not waited for", () => {
  expect(decideRetry(TIMEOUT, 1, DEFAULT_RETRY_POLICY, 0.9, 1_000, 1_500)).toMatchObject({
    type: "give-up",
    because: "expired",
  });
});

test("a task whose worker died moves at once, and one that two died with is poison", () => {
  const one = { workerId: "a" };
  expect(decideDeath([one], 1, DEFAULT_RETRY_POLICY)).toMatchObject({ type: "retry", delayMs: 0 });
  expect(decideDeath([one, { workerId: "b" }], 3, DEFAULT_RETRY_POLICY)).toEqual({
    type: "give-up",
    because: "poison",
    reason: "2 workers died with it: a and b",
  });
});

test("a death uses up an attempt like any other end of one", () => {
  const policy = { ...DEFAULT_RETRY_POLICY, maxAttempts: 3 };
  const decision = decideDeath([{ workerId: "a" }], 3, policy);
  expect(decision).toMatchObject({ type: "give-up", because: "max_attempts" });
});

test("the delay doubles, stays below five minutes, and is random below that", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (attempt, random) => {
        const delay = backoffDelayMs(attempt, DEFAULT_RETRY_POLICY, random);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.min(300_000, 1_000 * 2 ** (attempt - 1)));
      },
    ),
  );
});
