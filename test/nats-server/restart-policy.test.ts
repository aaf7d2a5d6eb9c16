import { expect, test } from "vitest";
import { decideRestart } from "../../src/nats-server/restart-policy.ts";

test("a server is started again later after each crash in a row", () => {
  const delays = [1, 2, 3, 4, 5].map((crashes) => {
    const decision = decideRestart(Array(crashes).fill(1_000), 1_000);
    return decision.type === "restart" ? decision.delayMs : decision;
  });
  expect(delays).toEqual([100, 200, 400, 800, 1_600]);
});

test("the sixth crash within 30 s is the last", () => {
  const decision = decideRestart([0, 1, 2, 3, 4, 29_999], 29_999);
  expect(decision).toEqual({ type: "give-up", crashes: 6 });
});

test("crashes of more than 30 s ago are forgiven", () => {
  const decision = decideRestart([0, 1, 2, 3, 4, 60_000], 60_000);
  expect(decision).toEqual({ type: "restart", delayMs: 100 });
});
