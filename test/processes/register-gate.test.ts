import { expect, test } from "vitest";
import { RegisterGate } from "../../src/processes/register-gate.ts";

const STRANGER = { isMember: false, unproven: () => 0 };
const MEMBER = { isMember: true, unproven: () => 0 };

const ids = (count: number, name: string) =>
  Array.from({ length: count }, (_, i) => `${name}-${i}`);

test("a fleet of two thousand may start at once, the next one waits", () => {
  const gate = new RegisterGate();
  const admitted = ids(2_000, "w").filter((id) => gate.judge(id, STRANGER, 0) === undefined);
  expect(admitted.length).toBe(2_000);
  expect(gate.judge("late", STRANGER, 0)).toMatchObject({
    reason: "too many workers register at once: try again later",
  });
  expect(gate.judge("late", STRANGER, 1_000)).toBeUndefined();
});

test("a flood of strangers takes no room from workers that are here", () => {
  const gate = new RegisterGate();
  for (const id of ids(10_000, "stranger")) gate.judge(id, STRANGER, 0);
  expect(gate.judge("w1", MEMBER, 0)).toBeUndefined();
});

test("one worker registers ten times at once, then once a second", () => {
  const gate = new RegisterGate();
  const times = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 500, 1_000, 1_000, 2_000];
  const passed = times.filter((now) => gate.judge("w1", MEMBER, now) === undefined);
  expect(passed.length).toBe(12);
});

test("who registers too often is told to wait a second at least, and not for ever", () => {
  const gate = new RegisterGate();
  const refusals = Array.from({ length: 100 }, () => gate.judge("w1", MEMBER, 0)).filter(Boolean);
  expect(refusals.length).toBe(90);
  for (const refusal of refusals) {
    expect(refusal?.retryAfterMs).toBeGreaterThanOrEqual(1_000);
    expect(refusal?.retryAfterMs).toBeLessThanOrEqual(2_000);
  }
});

test("ghosts that register and never beat fill up at three thousand", () => {
  const gate = new RegisterGate();
  const full = { isMember: false, unproven: () => 3_000 };
  expect(gate.judge("one-more", full, 0)?.reason).toContain("have registered and not yet beaten");
  expect(gate.judge("w1", { isMember: true, unproven: () => 3_000 }, 0)).toBeUndefined();
});
