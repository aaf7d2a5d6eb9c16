import { expect, test } from "vitest";
import { InvalidInputError } from "../../src/domain/errors.ts";
import { executeMessage, executeSchema } from "../../src/messages/execute.ts";

const FLOW = { name: "hello", version: 1, nodes: [{ id: "a", type: "noop" }], connections: [] };
const MESSAGE = { flowId: "hello", flowData: FLOW };
const bytes = (text: string) => new TextEncoder().encode(text);

function problemsOf(text: string): readonly { pointer: string; detail: string }[] {
  try {
    executeMessage.decode(bytes(text));
  } catch (error) {
    if (error instanceof InvalidInputError) return error.problems;
    throw error;
  }
  return [];
}

test("the seed's message is read as it is", () => {
  const seed = {
    flowId: "flow-123",
    executionId: "exec-456",
    priority: "high",
    flowData: FLOW,
    inputs: { data: "input data" },
  };
  expect(executeMessage.decode(bytes(JSON.stringify(seed)))).toEqual(seed);
});

test("fields of a newer peer are let through", () => {
  const message = { ...MESSAGE, colour: "blue", flowData: { ...FLOW, shape: "round" } };
  expect(executeMessage.decode(bytes(JSON.stringify(message)))).toEqual(message);
});

test("an empty body and one that is not JSON are told apart", () => {
  expect(problemsOf("")[0]?.detail).toContain("empty");
  expect(problemsOf("{nope")[0]?.detail).toContain("not JSON");
  expect(problemsOf("\ufeff\u0000")[0]?.detail).toContain("not JSON");
});

test("every field at fault is named at once, by JSON Pointer", () => {
  const found = problemsOf(
    JSON.stringify({ priority: "urgent", flowData: { ...FLOW, version: 0 } }),
  );
  const pointers = found.map(({ pointer }) => pointer);
  expect(pointers).toContain("/flowId");
  expect(pointers).toContain("/priority");
  expect(pointers).toContain("/flowData/version");
});

test.each(["a.b", "*", ">", "x".repeat(300), "ñandú", "", "a b"])(
  "the hostile executionId %j is refused",
  (executionId) => {
    const found = problemsOf(JSON.stringify({ ...MESSAGE, executionId }));
    expect(found.map(({ pointer }) => pointer)).toContain("/executionId");
  },
);

test("zod and the compiled schema agree", () => {
  const samples: unknown[] = [
    MESSAGE,
    { ...MESSAGE, deadline: "2026-11-24T00:00:00Z" },
    { ...MESSAGE, maxAttempts: 0 },
    { ...MESSAGE, flowData: { ...FLOW, nodes: [] } },
    { ...MESSAGE, flowData: { ...FLOW, connections: [{ source: "a", target: "b" }] } },
    { ...MESSAGE, flowData: { ...FLOW, connections: [{ from: "a" }] } },
    null,
    [],
    "text",
  ];
  for (const sample of samples) {
    expect(executeMessage.problems(sample).length === 0, JSON.stringify(sample)).toBe(
      executeSchema.safeParse(sample).success,
    );
  }
});
