import { expect, test } from "vitest";
import { planChaos } from "./plan.ts";

function planned(faults: number, durationMs: number) {
  return planChaos({ seed: 1, executions: 1, faults, durationMs }).faults;
}

test("cuts of workers end before the verdict or after it, and in a long run after ack_wait as well", () => {
  const cutsOf = (durationMs: number) =>
    planned(200, durationMs).flatMap(({ kind, forMs }) => (kind === "cut-worker" ? forMs : []));
  const brief = cutsOf(60_000);
  expect(Math.min(...brief)).toBeLessThan(12_000);
  expect(Math.max(...brief)).toBeGreaterThan(12_000);
  expect(Math.max(...brief)).toBeLessThan(30_000);
  expect(Math.max(...cutsOf(180_000))).toBeGreaterThan(30_000);
});

test("a run of some length has each kind of trouble", () => {
  const kinds = planned(28, 60_000).map(({ kind }) => kind);
  const each = ["kill", "freeze", "cut"].flatMap((what) => [
    `${what}-worker`,
    `${what}-orchestrator`,
  ]);
  expect(kinds).toEqual(expect.arrayContaining([...each, "kill-server", "freeze-server"]));
});
