import { expect, test } from "vitest";
import { actionCells, summaryLine } from "../../src/cli/dlq/act.ts";
import { filterOf, selectionOf } from "../../src/cli/dlq/selection.ts";
import { letterCells, letterLines } from "../../src/cli/dlq/show.ts";
import type { DeadLetterAction } from "../../src/domain/dead-letter.ts";
import type { StoredDeadLetter } from "../../src/messages/result.ts";

const AT = "2026-01-02T03:04:05.678Z";
const NOW = Date.parse(AT);
const ERROR = { code: "OUT_OF_STOCK", message: "no\nlamps", retryable: true, nodeId: "reserve" };

const letter: StoredDeadLetter = {
  sequence: 7,
  executionId: "e1",
  flowId: "f1",
  lane: "high",
  reason: "max_attempts",
  error: ERROR,
  attempts: [{ attempt: 1, workerId: "w1", error: ERROR, at: AT }],
  deadAt: AT,
  message: {
    subject: "flows.execute.high",
    stream: "FLOWS_HIGH",
    sequence: 3,
    publishedAt: AT,
    headers: { "X-Tenant": ["blue"] },
    bytes: 17,
    data: { flowId: "f1" },
  },
};

const action: DeadLetterAction = {
  executionId: "e1",
  flowId: null,
  lane: "high",
  reason: "poison",
  sequence: 7,
  outcome: "replayed",
};

test("a dead letter is shown with its reason, every attempt, and the original", () => {
  expect(letterLines(letter)).toEqual([
    `e1: dead-lettered as max_attempts at ${AT}`,
    "flow f1, lane high, dead letter 7",
    "OUT_OF_STOCK at node reserve: no\nlamps",
    `attempt 1 on w1, ${AT}: OUT_OF_STOCK at node reserve: no\nlamps`,
    `published at ${AT} as message 3 of FLOWS_HIGH, 17 bytes`,
    "  X-Tenant: blue",
    '{\n  "flowId": "f1"\n}',
  ]);
});

test("an invalid one is shown with every problem, and what is not JSON as base64", () => {
  const { data: _, ...message } = letter.message;
  const problems = [{ code: "E_NOT_JSON", pointer: "", detail: "the body is not JSON" }];
  const lines = letterLines({ ...letter, problems, message: { ...message, dataBase64: "e3Q=" } });
  expect(lines).toContain("  (the whole)  the body is not JSON [E_NOT_JSON]");
  expect(lines.at(-1)).toBe("not JSON, as base64: e3Q=");
});

test("one row tells of one dead letter, its error on one line and cut", () => {
  const { message, ...rest } = letter;
  const error = { ...ERROR, message: `no\nlamps ${"x".repeat(100)}` };
  const cells = letterCells({ ...rest, attempts: 1, bytes: message.bytes, error }, NOW + 5_000);
  expect(cells.slice(0, 6)).toEqual(["e1", "high", "max_attempts", "f1", "1", "5s"]);
  expect(cells[6]).toMatch(/^OUT_OF_STOCK: no lamps x+…$/);
});

test("what was done is counted by outcome", () => {
  const failed = { ...action, outcome: "failed", note: "the lane is full" } as const;
  expect(summaryLine("replay", [action, action, failed], false)).toBe(
    "replay: 2 replayed, 1 failed",
  );
  expect(summaryLine("purge", [], true)).toBe("purge (dry run): no dead letter fits");
  expect(actionCells(failed)).toEqual(["e1", "failed", "high", "poison", "-", "the lane is full"]);
});

test("flags become a filter, ids a selection", () => {
  const flags = { lane: "low", flow: "f1", since: "2h" };
  const filter = { lane: "low", flowId: "f1", since: NOW - 7_200_000 };
  expect(filterOf(flags, NOW)).toEqual(filter);
  expect(selectionOf("replay", [], { ...flags, all: false }, NOW)).toEqual({ filter });
  expect(selectionOf("replay", [], { all: true }, NOW)).toEqual({ filter: {} });
  expect(selectionOf("replay", ["e1"], { all: false }, NOW)).toEqual({ executionIds: ["e1"] });
});
