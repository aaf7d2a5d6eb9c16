import { expect, test } from "vitest";
import type { ExecutionResult } from "../../src/messages/result.ts";
import { isSound, verdictOf } from "./ledger.ts";
import { type FlowKind, planChaos } from "./plan.ts";

const NOOP: FlowKind = { type: "noop" };

function record(executionId: string, status: "completed" | "failed", reason?: "poison") {
  return { executionId, status, reason } as ExecutionResult;
}

test("a run is sound when all that was accepted ended once, as its flow says", () => {
  const accepted = new Map<string, FlowKind>([
    ["a", NOOP],
    ["b", { type: "failing", retryable: true }],
    ["c", NOOP],
  ]);
  const records = [
    record("a", "completed"),
    record("b", "failed"),
    record("c", "failed", "poison"),
  ];
  expect(isSound(verdictOf(accepted, records, 3))).toBe(true);
});

test.each([
  ["one is lost", [record("a", "completed")], 1],
  ["a record was replaced", [record("a", "completed"), record("b", "completed")], 3],
  ["one ended otherwise", [record("a", "completed"), record("b", "failed")], 2],
  ["one is there that nobody published", ["a", "b", "x"].map((id) => record(id, "completed")), 3],
])("a run is not sound when %s", (_, records, stored) => {
  const accepted = new Map([
    ["a", NOOP],
    ["b", NOOP],
  ]);
  expect(isSound(verdictOf(accepted, records, stored))).toBe(false);
});

test("a run in which nothing was accepted proves nothing", () => {
  expect(isSound(verdictOf(new Map(), [], 0))).toBe(false);
});

test("the same seed plans the same run, another seed another one", () => {
  const options = { seed: 3, executions: 50, faults: 12, durationMs: 60_000 };
  expect(planChaos(options)).toEqual(planChaos(options));
  expect(planChaos({ ...options, seed: 4 })).not.toEqual(planChaos(options));
});

test("the first half of a run hurts workers only, and the server is hurt in its last quarter", () => {
  const { faults } = planChaos({ seed: 1, executions: 1, faults: 100, durationMs: 100_000 });
  const early = faults.filter(({ atMs }) => atMs <= 50_000);
  expect(early.every(({ kind }) => kind.endsWith("worker"))).toBe(true);
  const onServer = faults.filter(({ kind }) => kind.endsWith("server"));
  expect(onServer.length).toBeGreaterThan(0);
  expect(onServer.every(({ atMs }) => atMs > 75_000)).toBe(true);
});
