import { expect, test } from "vitest";
import { type ComposeOptions, composeMessage } from "../../src/cli/submit/compose-message.ts";
import type { InvalidInputError } from "../../src/domain/errors.ts";

const FLOW = { name: "price list", version: 1, nodes: [{ id: "a", type: "noop" }] };

const compose = (file: unknown, options: Partial<ComposeOptions> = {}) =>
  composeMessage(JSON.stringify(file), { input: [], ...options }, () => "new-id");

function problemsOf(file: unknown, options: Partial<ComposeOptions> = {}): InvalidInputError {
  try {
    compose(file, options);
  } catch (error) {
    return error as InvalidInputError;
  }
  throw new Error("it was accepted");
}

test("a flow alone becomes a message with an id made of its name, in the normal lane", () => {
  const { message, lane } = compose(FLOW);
  expect(message).toEqual({ flowId: "price-list", executionId: "new-id", flowData: FLOW });
  expect(lane).toBe("normal");
});

test("a whole message keeps its ids, its inputs, its priority and fields that nobody here knows", () => {
  const file = {
    flowId: "f1",
    executionId: "e1",
    flowData: FLOW,
    inputs: [1, 2],
    priority: "low",
    fromTheFuture: true,
  };
  const { message, lane } = compose(file);
  expect(message).toEqual(file);
  expect(lane).toBe("low");
});

test("flags win over what the file says", () => {
  const file = { flowId: "f1", executionId: "e1", flowData: FLOW, priority: "low" };
  const { message, lane } = compose(file, { lane: "high", executionId: "e2", flowId: "f2" });
  expect(message).toMatchObject({ flowId: "f2", executionId: "e2", priority: "high" });
  expect(lane).toBe("high");
});

test("inputs are JSON where they parse as JSON, else text, and win over those of the file", () => {
  const file = { flowId: "f1", flowData: FLOW, inputs: { total: 1, kept: true } };
  const input = ["total=250", "name=Ada", "tags=[1,2]", "url=a=b", "empty="];
  expect(compose(file, { input }).message.inputs).toEqual({
    total: 250,
    kept: true,
    name: "Ada",
    tags: [1, 2],
    url: "a=b",
    empty: "",
  });
});

test("an input called __proto__ is a field like any other", () => {
  const { inputs } = compose(FLOW, { input: ["__proto__=1"] }).message;
  expect(Object.keys(inputs as object)).toEqual(["__proto__"]);
});

test.each(["total", "=5"])("--input %s is refused: it has no name or no value", (pair) => {
  expect(problemsOf(FLOW, { input: [pair] }).message).toContain("it accepts name=value");
});

test("--input cannot add to inputs that are a list", () => {
  const file = { flowId: "f1", flowData: FLOW, inputs: [1] };
  expect(problemsOf(file, { input: ["a=1"] }).message).toContain("an object");
});

test("problems point into the file that the user wrote, whichever form it has", () => {
  const broken = { ...FLOW, nodes: [{ id: "a.b", type: 7 }] };
  const pointers = (error: InvalidInputError) => error.problems.map(({ pointer }) => pointer);
  expect(pointers(problemsOf(broken))).toEqual(["/nodes/0/id", "/nodes/0/type"]);
  expect(pointers(problemsOf({ flowId: "f", flowData: broken }))).toEqual([
    "/flowData/nodes/0/id",
    "/flowData/nodes/0/type",
  ]);
});

test.each([
  ["", "the body is empty"],
  ["{", "the body is not JSON"],
  ["[1]", "a JSON object is expected"],
  ["null", "a JSON object is expected"],
  ['{"nodez":[]}', "found the fields: nodez"],
  ["{}", "found the fields: nothing"],
])("the file %j is refused with the reason", (text, told) => {
  expect(() => composeMessage(text, { input: [] }, () => "new-id")).toThrow(told);
});

test.each(["a.b", "*", ">", "x".repeat(129), "é", ""])("the executionId %j is refused", (id) => {
  expect(problemsOf(FLOW, { executionId: id }).problems[0]?.pointer).toBe("/executionId");
});
