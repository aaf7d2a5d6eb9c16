import { expect, test } from "vitest";
import type { ExecuteMessage } from "../../src/messages/execute.ts";
import { deadlineOf } from "../../src/processes/task-facts.ts";

const flow = (deadline?: string) =>
  ({ flowId: "f", ...(deadline && { deadline }) }) as ExecuteMessage;
const AT = "2026-01-01T00:00:00.000Z";
const LATER_MS = String(Date.parse(AT) + 1_000);

test.each([
  ["neither says one", undefined, undefined, undefined],
  ["the message says one", AT, undefined, AT],
  ["the header says one", undefined, LATER_MS, "2026-01-01T00:00:01.000Z"],
  ["both do: the earlier holds", AT, LATER_MS, AT],
  ["the header is no number", undefined, "soon", undefined],
])("%s", (_, deadline, header, expected) => {
  const headers = header === undefined ? [] : ([["Batuta-Deadline", header]] as const);
  const found = deadlineOf({ headers }, flow(deadline));
  expect(found === undefined ? undefined : new Date(found).toISOString()).toBe(expected);
});
