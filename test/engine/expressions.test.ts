import { expect, test } from "vitest";
import { NodeError } from "../../src/domain/errors.ts";
import { compileExpression } from "../../src/engine/expressions/expression.ts";
import type { Scope, ScopeKind } from "../../src/engine/expressions/scope.ts";

const scope: Scope = {
  inputs: { wanted: "x" },
  input: { n: 5, half: 2.5, s: "x", nothing: null, list: [1, 2, 3], deep: { a: [{ b: true }] } },
  nodes: new Map<string, unknown>([
    ["a", { x: 1 }],
    ["node-1", 7],
    ["constructor", "a node may be called that"],
  ]),
  execution: { id: "e-1", flowId: "f-1", lane: "high", attempt: 2 },
  item: { price: 3 },
  index: 2n,
};

function evaluate(source: string, kind: ScopeKind = "node"): unknown {
  const result = compileExpression(source, kind);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.expression.evaluate(scope);
}

function issueOf(source: string, kind: ScopeKind = "node"): string {
  const result = compileExpression(source, kind);
  return result.ok ? "none" : (result.issues[0]?.code ?? "");
}

test.each([
  ["input.n + 1", 6],
  ["input.n % 2 == 0", false],
  ["input.n / 2", 2.5],
  ["1 + input.half", 3.5],
  ["2 * input.n - 1.5", 8.5],
  ["input.n == 5", true],
  ["5 in input.list", false],
  ["input.n in [1, 5]", true],
  ["input.list[0]", 1],
  ["input.list[input.n - 5]", 1],
  ["input.s == null", false],
  ["input.nothing == null", true],
  ["input.n == 'x'", false],
  ["has(input.gone)", false],
  ["input.?gone.orValue('other')", "other"],
  ["input.list.map(x, x * 2)", [2, 4, 6]],
  ["input.list.filter(x, x > 1).size()", 2],
  ["input.list.exists(x, x == 2)", true],
  ["input.deep.a[0].b ? 'yes' : 'no'", "yes"],
  ["{'a': 1, 'b': [1, 'x', null]}", { a: 1, b: [1, "x", null] }],
  ["nodes.a.x + nodes['node-1']", 8],
  ["nodes['constructor']", "a node may be called that"],
  ["has(nodes.a)", true],
  ["execution.lane + '/' + execution.id", "high/e-1"],
  ["inputs.wanted == input.s", true],
])("%s is %j", (source, value) => {
  expect(evaluate(source)).toEqual(value);
});

test("an item and its index are there where a list is worked through", () => {
  expect(evaluate("item.price * (index + 1)", "item")).toBe(9);
  expect(evaluate("index", "item")).toBe(2);
  expect(issueOf("item.price")).toBe("E_EXPR_REF");
});

test.each([
  ["9007199254740993", 9_007_199_254_740_992],
  ["size(input.list)", 3],
  ["1u", 1],
  ["[1, {'n': 2u}]", [1, { n: 2 }]],
  ["timestamp('2026-01-02T03:04:05Z')", "2026-01-02T03:04:05.000Z"],
  ["duration('90s')", "90s"],
  ["b'abc'", "YWJj"],
  ["optional.of(1)", 1],
  ["optional.none()", null],
])("the value of %s is JSON", (source, value) => {
  const result = evaluate(source);
  expect(JSON.parse(JSON.stringify(result))).toEqual(value);
});

test("values that are JSON already are shared and not copied", () => {
  expect(evaluate("input.deep")).toBe((scope.input as { deep: object }).deep);
  const [first] = evaluate("input.deep.a.filter(x, x.b)") as object[];
  expect(first).toBe((scope.input as { deep: { a: object[] } }).deep.a[0]);
});

test("re() takes an RE2 pattern, as a function and as a method", () => {
  expect(evaluate('input.s.re("^[a-z]$")')).toBe(true);
  expect(evaluate('re(input.s, "[0-9]")')).toBe(false);
});

test.each([
  ["input.n >", "E_EXPR_SYNTAX"],
  ["", "E_EXPR_SYNTAX"],
  ["input.n = 1", "E_EXPR_SYNTAX"],
  ['input.s.re("(")', "E_EXPR_SYNTAX"],
  ["process.env.HOME", "E_EXPR_REF"],
  ["toString", "E_EXPR_REF"],
  ["nodes", "E_EXPR_REF"],
  ["nodes[input.s]", "E_EXPR_REF"],
  ["nodes.map(n, n)", "E_EXPR_REF"],
  ["input.n ? 1 : 'a'", "E_EXPR_TYPE"],
  ["'a' + 1", "E_EXPR_TYPE"],
  ["nowhere()", "E_EXPR_TYPE"],
  ["''.constructor", "E_EXPR_TYPE"],
  ["input.s.matches('x')", "E_EXPR_FORBIDDEN"],
  ["cel.bind(x, 1, x)", "E_EXPR_FORBIDDEN"],
  ["duration(input.s)", "E_EXPR_FORBIDDEN"],
])("%s is refused with %s", (source, code) => {
  expect(issueOf(source)).toBe(code);
});

test("lists may be worked through two deep and not three", () => {
  const deep = (levels: number): string =>
    levels === 0 ? "1" : `input.list.map(x${levels}, ${deep(levels - 1)})`;
  expect(issueOf(deep(2))).toBe("none");
  expect(issueOf(deep(3))).toBe("E_EXPR_FORBIDDEN");
});

test("three lists one after the other are not nested", () => {
  expect(issueOf("input.list.map(x, x).filter(x, x > 1).exists(x, x == 2)")).toBe("none");
});

test("the nodes that an expression reads are known", () => {
  const ids = (source: string) => {
    const result = compileExpression(source, "node");
    return result.ok ? result.expression.nodeIds : result.issues;
  };
  expect(ids("nodes.a.x + nodes['node-1'] > 1 && has(nodes.b) && nodes.?c.hasValue()")).toEqual([
    "a",
    "node-1",
    "b",
    "c",
  ]);
  expect(ids("input.list.map(nodes, nodes.x)")).toEqual([]);
});

test("a field that is not there is an error that names it and tells the way out", () => {
  expect(() => evaluate("input.gone")).toThrow(NodeError);
  expect(() => evaluate("input.gone")).toThrow(/gone.*has\(\)/);
  try {
    evaluate("input.gone");
  } catch (error) {
    expect(error).toMatchObject({ code: "EXPRESSION", retryable: false });
  }
});
