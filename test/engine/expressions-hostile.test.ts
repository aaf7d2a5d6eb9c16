import { expect, test } from "vitest";
import { compileExpression } from "../../src/engine/expressions/expression.ts";
import { matchesPattern } from "../../src/engine/expressions/regex.ts";
import type { Scope } from "../../src/engine/expressions/scope.ts";

const scopeOf = (input: unknown): Scope => ({
  inputs: {},
  input,
  nodes: new Map(),
  execution: { id: "e", flowId: "f", lane: "low", attempt: 1 },
});

function evaluate(source: string, input: unknown): unknown {
  const result = compileExpression(source, "node");
  if (!result.ok) throw new Error(result.issues[0]?.code);
  return result.expression.evaluate(scopeOf(input));
}

/** Fails when a thing takes so long that it must be growing out of hand. */
function quickly<T>(action: () => T): T {
  const begin = process.cpuUsage();
  const result = action();
  const { user } = process.cpuUsage(begin);
  expect(user / 1_000).toBeLessThan(3_000);
  return result;
}

const parsed = (json: string): unknown => JSON.parse(json);

test.each([
  "input.constructor",
  "input.__proto__",
  "input['constructor']",
  "input['__proto__'].polluted",
  "input.list.constructor",
  "input.toString",
  "input.text.length",
])("%s reaches nothing of JavaScript", (source) => {
  const input = parsed('{"list":[1],"text":"x"}');
  expect(() => evaluate(source, input)).toThrow(/No such key|cannot/i);
});

test("fields called __proto__ and constructor are data", () => {
  const input = parsed('{"__proto__":{"a":1},"driver":"Senna","constructor":"McLaren"}');
  expect(evaluate("input.driver", input)).toBe("Senna");
  expect(evaluate("input.constructor", input)).toBe("McLaren");
  expect(evaluate("input.__proto__.a", input)).toBe(1);
  expect(evaluate("[input].map(x, x.driver)", input)).toEqual(["Senna"]);
  expect(JSON.stringify(evaluate("[input].filter(x, x.driver == 'Senna')", input))).toBe(
    JSON.stringify([input]),
  );
});

test("an expression that writes __proto__ pollutes nothing", () => {
  evaluate("{'__proto__': {'polluted': true}, 'constructor': 1}", {});
  expect({}).not.toHaveProperty("polluted");
});

test.each([
  ["parentheses", `${"(".repeat(500)}1${")".repeat(500)}`, "E_LIMIT"],
  ["lists", `${"[".repeat(500)}1${"]".repeat(500)}`, "E_LIMIT"],
  ["negations", `${"!".repeat(16_000)}true`, "E_LIMIT"],
  ["sums", Array.from({ length: 3_000 }, () => "1").join("+"), "E_LIMIT"],
  ["fields", `input${".a".repeat(300)}`, "E_LIMIT"],
  ["characters", `'${"x".repeat(20_000)}'`, "E_LIMIT"],
])("an expression with too many %s is refused", (_, source, code) => {
  const result = quickly(() => compileExpression(source, "node"));
  expect(result.ok ? "ok" : result.issues[0]?.code).toBe(code);
});

test("a sum of moderate length is evaluated", () => {
  expect(evaluate(Array.from({ length: 100 }, () => "1").join("+"), {})).toBe(100);
});

test("a pattern that hangs a backtracking engine does not hang re()", () => {
  const text = `${"a".repeat(50_000)}!`;
  expect(quickly(() => evaluate('input.re("^(a+)+$")', text))).toBe(false);
});

test("a pattern and a text that would take long together are refused", () => {
  expect(() => quickly(() => matchesPattern("x".repeat(100_000), "[a-z]{900}[a-z]{900}"))).toThrow(
    /too long/,
  );
  expect(() => matchesPattern("x", "a".repeat(2_000))).toThrow(/longer than/);
  expect(() => matchesPattern("x", "(?=a)")).toThrow(/re\(\)/);
});

test("a deeply nested value is passed on by a path and refused by a computation", () => {
  const deep = parsed(`${"[".repeat(5_000)}${"]".repeat(5_000)}`);
  expect(evaluate("input", deep)).toBe(deep);
  expect(() => evaluate("[input]", deep)).toThrow(/nested deeper/);
});

test("time functions with a made-up zone are an error and not a crash", () => {
  expect(() => evaluate("timestamp('2026-01-01T00:00:00Z').getHours(input)", "No/Where")).toThrow();
});

test("an error never quotes more than a part of a long expression", () => {
  const source = `input.gone == '${"y".repeat(10_000)}'`;
  try {
    evaluate(source, {});
    expect.unreachable();
  } catch (error) {
    expect((error as Error).message.length).toBeLessThan(500);
  }
});
