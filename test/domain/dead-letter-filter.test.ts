import { describe, expect, test } from "vitest";
import { newestPerExecution } from "../../src/domain/dead-letter.ts";
import {
  type DeadLetterFilter,
  type FilterTexts,
  matchesFilter,
  parseFilter,
} from "../../src/domain/dead-letter-filter.ts";

const NOW = Date.parse("2026-03-01T12:00:00.000Z");
const LETTER = {
  executionId: "e1",
  flowId: "f1",
  lane: "high",
  reason: "poison",
  deadAt: "2026-03-01T11:00:00.000Z",
} as const;
const DEAD_AT = Date.parse(LETTER.deadAt);

describe("a filter", () => {
  test.each<[string, DeadLetterFilter, boolean]>([
    ["nothing", {}, true],
    ["its lane", { lane: "high" }, true],
    ["another lane", { lane: "low" }, false],
    ["its reason", { reason: "poison" }, true],
    ["another reason", { reason: "invalid" }, false],
    ["its flow", { flowId: "f1" }, true],
    ["another flow", { flowId: "f2" }, false],
    ["its execution", { executionId: "e1" }, true],
    ["another execution", { executionId: "e2" }, false],
    ["since the very instant", { since: DEAD_AT }, true],
    ["since later", { since: DEAD_AT + 1 }, false],
    ["until the very instant", { until: DEAD_AT }, false],
    ["until later", { until: DEAD_AT + 1 }, true],
    ["all that fits", { lane: "high", reason: "poison", flowId: "f1", since: 0 }, true],
    ["all but one that fits", { lane: "high", reason: "poison", flowId: "f2" }, false],
  ])("with %s", (_what, filter, fits) => {
    expect(matchesFilter(LETTER, filter)).toBe(fits);
  });

  test("with a flow does not find a letter that names none", () => {
    expect(matchesFilter({ ...LETTER, flowId: null }, { flowId: "f1" })).toBe(false);
  });
});

describe("a filter in words", () => {
  test.each<[FilterTexts, DeadLetterFilter]>([
    [{}, {}],
    [
      { lane: "low", reason: "expired" },
      { lane: "low", reason: "expired" },
    ],
    [
      { flowId: "f-1", executionId: "e_1" },
      { flowId: "f-1", executionId: "e_1" },
    ],
    [{ since: "2h" }, { since: NOW - 7_200_000 }],
    [{ until: "90s" }, { until: NOW - 90_000 }],
    [
      { since: "7d", until: "15m" },
      { since: NOW - 604_800_000, until: NOW - 900_000 },
    ],
    [{ since: "2026-03-01T11:00:00Z" }, { since: DEAD_AT }],
    [{ since: "2026-03-01T12:00+01:00" }, { since: DEAD_AT }],
    [{ since: "2026-03-01" }, { since: Date.parse("2026-03-01T00:00:00Z") }],
  ])("%j", (texts, filter) => {
    expect(parseFilter(texts, NOW)).toEqual({ filter, problems: [] });
  });

  test("names every value that it does not accept, with what it does", () => {
    const texts = { lane: "fast", reason: "bad", flowId: "a.b", since: "yesterday", until: "" };
    const { problems } = parseFilter(texts, NOW);
    expect(problems.map(({ pointer }) => pointer)).toEqual([
      "/lane",
      "/reason",
      "/flowId",
      "/since",
      "/until",
    ]);
    expect(problems[0]?.detail).toBe('"fast" is no lane; it accepts high, normal, low');
    expect(problems[3]?.detail).toContain("2h");
  });

  test.each(["2026-02-30T00:00:00Z ", "2026-13-01", "2026-03-01T11:00:00", "1w", "-5m", "5"])(
    "does not take %j for an instant",
    (since) => {
      expect(parseFilter({ since }, NOW).problems).toHaveLength(1);
    },
  );
});

test("of several letters of one execution the newest counts", () => {
  const letters = ["a", "b", "a", "c", "a"].map((executionId, i) => ({ executionId, i }));
  const { newest, older } = newestPerExecution(letters);
  expect(newest.map(({ i }) => i)).toEqual([1, 3, 4]);
  expect(older.map(({ i }) => i)).toEqual([0, 2]);
});
