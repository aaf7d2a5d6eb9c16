import { expect, test } from "vitest";
import type { Lane } from "../../src/domain/lane.ts";
import { redistributionOrder } from "../../src/domain/redistribution.ts";

function assignment(lane: Lane, storedAt: number) {
  return { task: { message: { lane, storedAt } } };
}

test("the highest lane moves first, and in a lane the oldest", () => {
  const [low, late, early, high] = [
    assignment("low", 1),
    assignment("normal", 30),
    assignment("normal", 20),
    assignment("high", 99),
  ] as const;
  expect(redistributionOrder([low, late, early, high])).toEqual([high, early, late, low]);
});
