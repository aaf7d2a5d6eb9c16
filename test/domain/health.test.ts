import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { medianErrorRate, scoreHealth } from "../../src/domain/health.ts";
import { EMPTY_HISTORY, excuseGap, rememberBeat } from "../../src/domain/health-history.ts";
import type { FleetFacts, HealthReport } from "../../src/domain/health-report.ts";

const T = 2_000;
const IDLE: FleetFacts = {};

interface Change {
  readonly status?: HealthReport["status"];
  readonly lag?: number;
  readonly memory?: number;
  readonly cpu?: number;
  readonly active?: number;
  readonly completed?: number;
  readonly errorRate?: number;
  readonly lastTakenAt?: string;
  readonly fleet?: FleetFacts;
  /** Since the beat before. */
  readonly afterMs?: number;
}

/** The verdict on the last of some beats, two seconds apart. */
function verdictOn(...beats: readonly Change[]) {
  let history = EMPTY_HISTORY;
  let now = 1_000_000;
  let verdict = scoreHealth({
    report: reportOf({}),
    history,
    fleet: IDLE,
    heartbeatIntervalMs: T,
    maxConcurrentFlows: 5,
    now,
  });
  for (const beat of beats) {
    now += beat.afterMs ?? T;
    const { fleet = IDLE } = beat;
    const report = reportOf(beat);
    history = rememberBeat(history, { report, fleet, maxConcurrentFlows: 5, now });
    const beaten = { report, history, fleet, maxConcurrentFlows: 5 };
    verdict = scoreHealth({ ...beaten, heartbeatIntervalMs: T, now });
  }
  return verdict;
}

function reportOf(change: Change): HealthReport {
  return {
    status: change.status ?? "healthy",
    eventLoopLagMs: change.lag ?? 0,
    currentLoad: {
      activeFlows: change.active ?? 0,
      memoryUsagePercent: change.memory ?? 0,
      cpuUsagePercent: change.cpu ?? 0,
    },
    performance: { tasksCompleted: change.completed ?? 0, errorRate: change.errorRate ?? 0 },
    lastTakenAt: change.lastTakenAt,
  };
}

const points = (...beats: readonly Change[]) => verdictOn(...beats).score;
const times = (count: number, change: Change): Change[] => Array(count).fill(change);

describe("points", () => {
  test.each([
    [100, 0],
    [101, 1],
    [500, 1],
    [501, 2],
    [2_000, 2],
    [2_001, 4],
  ])("event loop lag of %i ms costs %i", (lag, score) => {
    expect(points({ lag })).toBe(score);
  });

  test.each([
    [80, 0],
    [81, 1],
    [91, 3],
    [95, 3],
    [96, 5],
  ])("memory at %i %% costs %i", (memory, score) => {
    expect(points({ memory })).toBe(score);
  });

  test("CPU costs only on three beats in a row", () => {
    expect(points(...times(2, { cpu: 99 }))).toBe(0);
    expect(points(...times(3, { cpu: 99 }))).toBe(2);
    expect(points(...times(3, { cpu: 90 }))).toBe(1);
    expect(points({ cpu: 99 }, { cpu: 90 }, { cpu: 99 })).toBe(1);
    expect(points({ cpu: 99 }, { cpu: 20 }, { cpu: 99 })).toBe(0);
  });

  test.each([
    [0.11, 0, 1],
    [0.11, 0.06, 0],
    [0.31, 0.1, 3],
    [0.31, 0.11, 1],
    [0.61, 0.2, 5],
    [0.61, 0.21, 1],
    [0.9, 0.5, 0],
  ])("an error rate of %f against a median of %f costs %i", (errorRate, medianErrorRate, score) => {
    const fleet = { medianErrorRate };
    expect(points({ fleet }, { completed: 10, errorRate, fleet })).toBe(score);
  });

  test("errors of fewer than ten tasks, or without a fleet, cost nothing", () => {
    const fleet = { medianErrorRate: 0 };
    expect(points({ fleet }, { completed: 9, errorRate: 1, fleet })).toBe(0);
    expect(points({}, { completed: 100, errorRate: 1 })).toBe(0);
  });

  test("tasks of more than a minute ago do not count", () => {
    const fleet = { medianErrorRate: 0 };
    const bad = { completed: 100, errorRate: 1, fleet };
    expect(points({ fleet }, bad)).toBe(5);
    expect(points({ fleet }, ...times(32, bad))).toBe(0);
  });

  test("a late beat costs one", () => {
    expect(points({}, { afterMs: 1.5 * T })).toBe(0);
    expect(points({}, { afterMs: 1.5 * T + 1 })).toBe(1);
  });
});

describe("deaf", () => {
  const fleet = { untaken: 1 };

  test("free slots and work at hand, but nothing taken", () => {
    expect(points(...times(4, { fleet }))).toBe(0);
    expect(points(...times(5, { fleet }))).toBe(3);
    expect(points(...times(8, { fleet }))).toBe(5);
    expect(verdictOn(...times(8, { fleet })).reasons[0]?.text).toMatch(/^deaf: .+ for 14\.0 s/);
  });

  test("nobody is deaf who is full, has nothing to do, takes or completes something", () => {
    expect(points(...times(9, { fleet, active: 5 }))).toBe(0);
    expect(points(...times(9, {}))).toBe(0);
    expect(points(...times(8, { fleet }), { fleet, lastTakenAt: "2026-11-24T12:00:00Z" })).toBe(0);
    expect(points(...times(8, { fleet }), { fleet, completed: 1 })).toBe(0);
    expect(points(...times(8, { fleet }), { fleet, active: 5 }, { fleet })).toBe(0);
  });
});

describe("the verdict", () => {
  test("says why, for people and machines, and what the worker says", () => {
    expect(verdictOn({ lag: 620, memory: 96, status: "degraded" })).toEqual({
      score: 7,
      memoryCritical: true,
      says: "degraded",
      reasons: [
        { signal: "loop-lag", points: 2, text: "event loop lag 620 ms is above 500 ms (+2)" },
        { signal: "memory", points: 5, text: "memory at 96 % of its limit is above 95 % (+5)" },
      ],
    });
  });

  test("is capped at 8", () => {
    expect(points({ lag: 3_000, memory: 99 }, { lag: 3_000, memory: 99, afterMs: 9_000 })).toBe(8);
  });

  test("is between 0 and 8, never more than the sum of its reasons, and 0 without any", () => {
    const change = fc.record({
      lag: fc.double({ min: 0, max: 10_000, noNaN: true }),
      memory: fc.double({ min: 0, max: 200, noNaN: true }),
      cpu: fc.double({ min: 0, max: 200, noNaN: true }),
      active: fc.integer({ min: 0, max: 9 }),
      completed: fc.nat(1_000),
      errorRate: fc.double({ min: 0, max: 1, noNaN: true }),
      afterMs: fc.integer({ min: 1, max: 90_000 }),
      fleet: fc.record({
        untaken: fc.nat(3),
        medianErrorRate: fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined }),
      }),
    });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 30 }), (beats) => {
        const { score, reasons } = verdictOn(...beats);
        const sum = reasons.reduce((total, { points: each }) => total + each, 0);
        expect(score).toBe(Math.min(8, sum));
        expect(reasons.every(({ points: each }) => each > 0)).toBe(true);
      }),
    );
  });
});

describe("the history", () => {
  test("stays small, however long the worker lives", () => {
    let history = EMPTY_HISTORY;
    for (let beat = 0; beat < 1_000; beat++) {
      const arrival = { fleet: IDLE, maxConcurrentFlows: 5, now: beat * T };
      history = rememberBeat(history, { ...arrival, report: reportOf({ completed: beat }) });
    }
    expect(history.completed.length).toBeLessThanOrEqual(7);
    expect(history.cpuPercents.length).toBe(3);
  });

  test("a gap that was the receiver's fault is forgotten", () => {
    const arrival = { report: reportOf({}), fleet: IDLE, maxConcurrentFlows: 5 };
    const before = rememberBeat(EMPTY_HISTORY, { ...arrival, now: 0 });
    expect(rememberBeat(before, { ...arrival, now: 9_000 }).gapMs).toBe(9_000);
    expect(rememberBeat(excuseGap(before, 9_000), { ...arrival, now: 9_000 }).gapMs).toBe(0);
    expect(excuseGap(EMPTY_HISTORY, 9_000)).toBe(EMPTY_HISTORY);
  });
});

test("the median is that of the others, and needs two of them", () => {
  expect(medianErrorRate([])).toBeUndefined();
  expect(medianErrorRate([0.5])).toBeUndefined();
  expect(medianErrorRate([0.4, 0.2])).toBeCloseTo(0.3);
  expect(medianErrorRate([0.9, 0, 0.1])).toBe(0.1);
});
