import { expect, test } from "vitest";
import { planChaos } from "./plan.ts";

function planned(seed: number, faults: number, durationMs: number) {
  return planChaos({ seed, executions: 1, faults, durationMs }).faults;
}

test("cuts of workers end before the verdict or after it, and in a long run after ack_wait as well", () => {
  const seeds = Array.from({ length: 30 }, (_, seed) => seed);
  const cutsOf = (durationMs: number) =>
    seeds
      .flatMap((seed) => planned(seed, 16, durationMs))
      .flatMap(({ kind, forMs }) => (kind === "cut-worker" ? forMs : []));
  const brief = cutsOf(120_000);
  expect(Math.min(...brief)).toBeLessThan(12_000);
  expect(Math.max(...brief)).toBeGreaterThan(12_000);
  expect(Math.max(...brief)).toBeLessThan(30_000);
  expect(Math.max(...cutsOf(180_000))).toBeGreaterThan(30_000);
});

test("one long silence is over before the next one begins", () => {
  const silences = planned(1, 36, 180_000).filter(({ forMs }) => forMs > 8_500);
  expect(silences.length).toBeGreaterThan(3);
  for (const [index, { atMs }] of silences.slice(1).entries()) {
    const before = silences[index];
    expect(atMs).toBeGreaterThanOrEqual((before?.atMs ?? 0) + (before?.forMs ?? 0));
  }
});

test("a run of some length has each kind of trouble", () => {
  const kinds = planned(1, 28, 60_000).map(({ kind }) => kind);
  const each = ["kill", "freeze", "cut"].flatMap((what) => [
    `${what}-worker`,
    `${what}-orchestrator`,
  ]);
  expect(kinds).toEqual(expect.arrayContaining([...each, "kill-server", "freeze-server"]));
});
