import fc from "fast-check";
import { expect, test } from "vitest";
import { scoreHealth } from "../../src/domain/health.ts";
import { EMPTY_HISTORY, rememberBeat } from "../../src/domain/health-history.ts";
import { LANES } from "../../src/domain/lane.ts";
import { orderOfMove } from "../../src/domain/redistribution.ts";
import { replayDecision } from "../../src/domain/replay-decision.ts";
import { DEFAULT_RETRY_POLICY, decideNext, type FailedAttempt } from "../../src/domain/retry.ts";

/** As it is read from the journal. */
function recorded(kind: string, inputs: unknown, choice: unknown) {
  return JSON.parse(JSON.stringify({ kind, inputs, choice }));
}

const failures: fc.Arbitrary<FailedAttempt> = fc.oneof(
  fc.record({
    cause: fc.constant("error" as const),
    error: fc.record({ code: fc.string(), message: fc.string(), retryable: fc.boolean() }),
    attempt: fc.integer({ min: 1, max: 6 }),
    policy: fc.constant(DEFAULT_RETRY_POLICY),
    random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    now: fc.nat(),
    deadline: fc.option(fc.nat(), { nil: undefined }),
  }),
  fc.record({
    cause: fc.constant("death" as const),
    deaths: fc.array(fc.record({ workerId: fc.option(fc.string()) }), {
      minLength: 1,
      maxLength: 3,
    }),
    attempt: fc.integer({ min: 1, max: 6 }),
    policy: fc.constant(DEFAULT_RETRY_POLICY),
  }),
);

test("what follows a failed attempt is the same again, jitter and hostile texts included", () => {
  fc.assert(
    fc.property(failures, (failed) => {
      const choice = decideNext(failed);
      const kind = choice.type === "retry" ? "retry" : "deadletter";
      expect(replayDecision(recorded(kind, failed, choice)).type).toBe("same");
    }),
  );
});

test("a redistribution is in the same order again", () => {
  const task = fc.record({
    executionId: fc.uuid(),
    lane: fc.constantFrom(...LANES),
    storedAt: fc.nat(5),
  });
  fc.assert(
    fc.property(fc.array(task), (tasks) => {
      const choice = { order: orderOfMove(tasks) };
      expect(replayDecision(recorded("redistribute", { tasks }, choice)).type).toBe("same");
    }),
  );
});

test("the verdict on a beat is the same again", () => {
  const report = {
    status: "degraded" as const,
    eventLoopLagMs: 1_200,
    currentLoad: { activeFlows: 5, memoryUsagePercent: 92.5, cpuUsagePercent: 99 },
    performance: { tasksCompleted: 10, errorRate: 0.5 },
  };
  const beat = { report, fleet: {}, maxConcurrentFlows: 5, now: 1_000 };
  const history = rememberBeat(EMPTY_HISTORY, beat);
  const scored = { ...beat, history, heartbeatIntervalMs: 2_000 };
  const verdict = scoreHealth(scored);
  expect(verdict.score).toBeGreaterThan(0);
  const record = recorded("health", { scored }, { from: "healthy", to: "degraded", verdict });
  expect(replayDecision(record).type).toBe("same");
  const lie = { ...record, choice: { ...record.choice, verdict: { ...verdict, score: 0 } } };
  expect(replayDecision(lie).type).toBe("different");
});

test("a choice that the rules would not make is told, with what they would choose", () => {
  const failed = {
    cause: "death" as const,
    deaths: [{ workerId: "a" }, { workerId: "b" }],
    attempt: 2,
    policy: DEFAULT_RETRY_POLICY,
  };
  const forged = recorded("retry", failed, { type: "retry", delayMs: 0, reason: "why not" });
  expect(replayDecision(forged)).toMatchObject({
    type: "different",
    choice: { type: "give-up", because: "poison" },
  });
});

test("a record without its inputs, or of what no pure function decides, cannot be replayed", () => {
  for (const record of [
    recorded("scale", null, null),
    { ...recorded("assign", { workers: [] }, { type: "wait" }), truncated: "workers" },
    recorded("deadletter", { problems: [] }, { type: "give-up" }),
    recorded("drain", { incarnation: "1" }, { from: "healthy", to: "draining" }),
  ])
    expect(replayDecision(record)).toEqual({ type: "unknown" });
});
