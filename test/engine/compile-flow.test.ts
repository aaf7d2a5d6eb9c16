import { expect, test } from "vitest";
import { z } from "zod";
import { compileFlow } from "../../src/engine/compile-flow.ts";
import { defineNode } from "../../src/engine/define-node.ts";
import { coreNodeTypes, nodeTypes, withTypeNames } from "../../src/engine/node-types.ts";
import { codesOf, flowData, planOf, problemsOf } from "./fixtures.ts";

const noop = (id: string, more: object = {}) => ({ id, type: "noop", ...more });

test("a good flow has a plan and no warnings", () => {
  const plan = planOf(flowData([noop("a"), noop("b")], ["a -> b"]));
  expect(plan.warnings).toEqual([]);
  expect(plan.requiredNodeTypes).toEqual(["noop"]);
  expect(plan.pure).toBe(true);
});

test.each([
  [null, "E_SCHEMA "],
  ["a flow", "E_SCHEMA "],
  [42, "E_SCHEMA "],
  [[], "E_SCHEMA "],
  [{ name: "f", version: 1, nodes: [] }, "E_SCHEMA /nodes"],
  [{ name: "f", version: 1.5, nodes: [noop("a")] }, "E_SCHEMA /version"],
  [{ name: "f", version: 1, nodes: [noop("a.b")] }, "E_SCHEMA /nodes/0/id"],
  [flowData([noop("a")], ["a -> b.c.d"]), "E_SCHEMA /connections/0/to"],
  [flowData([noop("a", { timeoutMs: 1e12 })]), "E_LIMIT /nodes/0/timeoutMs"],
])("%j is refused with %s", (data, code) => {
  expect(codesOf(data)).toContain(code);
});

test("every field of the wrong shape is told, in words", () => {
  const problems = problemsOf({
    name: "",
    version: 1,
    nodes: [{ id: "a", type: "noop", join: "some" }, { type: "noop" }],
    connections: [7],
  });
  expect(problems.map((problem) => problem.pointer)).toEqual([
    "/name",
    "/nodes/0/join",
    "/nodes/1/id",
    "/connections/0",
  ]);
  expect(problems.at(-1)?.hint).toContain('{"from": "a", "to": "b"}');
});

test("problems of all kinds are told at once", () => {
  const codes = codesOf(
    flowData(
      [
        { id: "a", type: "set", config: { value: 1, valu: 2 } },
        { id: "b", type: "teleport" },
        { id: "c", type: "if", config: { condition: "input.matches('x')" } },
        noop("d", { when: "nodes.c.x == 1 &&", forEach: { items: "x" } }),
      ],
      ["a -> b", "b -> a", "c.maybe -> d", "a.left -> d"],
      { output: "{{ nodes.nobody }}" },
    ),
  );
  expect([...codes].sort()).toEqual([
    "E_CONFIG /nodes/0/config/valu",
    "E_CYCLE /connections/1",
    "E_EXPR_FORBIDDEN /nodes/2/config/condition",
    "E_EXPR_REF /output",
    "E_EXPR_SYNTAX /nodes/3/when",
    "E_UNKNOWN_PORT /connections/2/from",
    "E_UNKNOWN_PORT /connections/3/from",
    "E_UNKNOWN_TYPE /nodes/1/type",
    "E_UNSUPPORTED /nodes/3/forEach",
  ]);
});

test("a problem in an editor's connection points at the editor's field", () => {
  const data = { ...flowData([noop("a")]), connections: [{ source: "a", target: "x" }] };
  expect(codesOf(data)).toEqual(["E_UNKNOWN_NODE /connections/0/target"]);
});

test("a config is checked against its type, template or not", () => {
  const delay = (delayMs: unknown) =>
    codesOf(flowData([{ id: "a", type: "delay", config: { delayMs } }]));
  expect(delay(5)).toEqual([]);
  expect(delay("{{ inputs.ms }}")).toEqual([]);
  expect(delay("5")).toEqual(["E_CONFIG /nodes/0/config/delayMs"]);
  expect(delay(-1)).toEqual(["E_CONFIG /nodes/0/config/delayMs"]);
  expect(delay(undefined)).toEqual(["E_CONFIG /nodes/0/config/delayMs"]);
});

test("what is wrong beside a template is still told", () => {
  const config = { url: "{{ inputs.url }}", method: "SEND", headers: { a: {} }, retries: 3 };
  expect(codesOf(flowData([{ id: "a", type: "http-request", config }]))).toEqual([
    "E_CONFIG /nodes/0/config/method",
    "E_CONFIG /nodes/0/config/headers/a",
    "E_CONFIG /nodes/0/config/retries",
  ]);
});

test("a choice between shapes with a template inside is left for the run", () => {
  const config = { url: "http://x.test", query: { ids: ["{{ inputs.a }}", 1] } };
  expect(codesOf(flowData([{ id: "a", type: "http-request", config }]))).toEqual([]);
});

test("an expression may only read nodes that come before", () => {
  const data = flowData(
    [
      { id: "a", type: "set", config: { value: "{{ nodes.c }}" } },
      { id: "b", type: "set", config: { value: ["{{ nodes.a }}", "{{ nodes.b }}"] } },
      noop("c", { when: "nodes.a == 1 || nodes.x == 1" }),
    ],
    ["a -> b", "b -> c"],
  );
  expect(codesOf(data)).toEqual([
    "E_EXPR_REF /nodes/0/config/value",
    "E_EXPR_REF /nodes/1/config/value/1",
    "E_EXPR_REF /nodes/2/when",
  ]);
});

test("a connection may read its source, the output everything", () => {
  const when = "nodes.a.ok && input.ok";
  const data = {
    ...flowData([noop("a"), noop("b"), noop("c")]),
    connections: [
      { from: "a", to: "b", when },
      { from: "a", to: "c", when: "nodes.b == 1" },
    ],
    output: { all: "{{ nodes.a }}{{ nodes.b }}{{ nodes.c }}", in: "{{ input }}" },
  };
  expect(codesOf(data)).toEqual(["E_EXPR_REF /connections/1/when", "E_EXPR_REF /output/in"]);
});

test("an expression that may run before a slow branch of a join any is refused", () => {
  const first = { id: "first", type: "set", join: "any", config: { value: "{{ nodes.slow }}" } };
  const data = flowData([noop("slow"), noop("fast"), first], ["slow -> first", "fast -> first"]);
  expect(codesOf(data)).toEqual(["E_EXPR_REF /nodes/2/config/value"]);
});

test("bare expressions and expressions in braces are the same where one is expected", () => {
  for (const condition of ["inputs.n > 1", "{{ inputs.n > 1 }}", true]) {
    expect(codesOf(flowData([{ id: "a", type: "if", config: { condition } }]))).toEqual([]);
  }
  expect(codesOf(flowData([{ id: "a", type: "if", config: { condition: 5 } }]))).toEqual([
    "E_CONFIG /nodes/0/config/condition",
  ]);
});

test.each([
  [{ password: "hunter2" }, "/password"],
  [{ nested: [{ "X-API-Key": "abc" }] }, "/nested/0/X-API-Key"],
  [{ clientSecret: "abc" }, "/clientSecret"],
  [{ url: "postgres://me:hunter2@db/x" }, "/url"],
])("a secret in plain text is refused: %j", (value, at) => {
  const data = flowData([{ id: "a", type: "set", config: { value } }]);
  expect(codesOf(data)).toEqual([`E_SECRET_INLINE /nodes/0/config/value${at}`]);
  expect(JSON.stringify(problemsOf(data))).not.toContain("hunter2");
});

test.each([
  { password: "{{ inputs.password }}" },
  { password: "", token: 5 },
  { nextToken: "abc", tokens: ["a"] },
  { url: "https://user@host/a:b@c" },
])("this is no secret: %j", (value) => {
  expect(codesOf(flowData([{ id: "a", type: "set", config: { value } }]))).toEqual([]);
});

test.each([
  [noop("a", { forEach: { items: "inputs" } }), "forEach"],
  [noop("a", { onUncertain: "retry" }), "onUncertain"],
  [noop("a", { credentials: { connection: "db" } }), "credentials"],
  [noop("a", { timeout: "5s" }), "timeout"],
])("what this version cannot do is refused and not ignored: %#", (node, field) => {
  expect(codesOf(flowData([node]))).toEqual([`E_UNSUPPORTED /nodes/0/${field}`]);
});

test("settings that this version cannot do are refused too", () => {
  const settings = { onFailure: "cleanup", concurrency: { limit: 1 } };
  expect(codesOf(flowData([noop("a")], [], { settings }))).toEqual([
    "E_UNSUPPORTED /settings/onFailure",
    "E_UNSUPPORTED /settings/concurrency",
  ]);
});

test("a field that nobody knows is warned about and ignored", () => {
  const plan = planOf(flowData([noop("a", { onErorr: "continue" })], [], { colour: "red" }));
  expect(plan.warnings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    "W_UNKNOWN_FIELD /colour",
    "W_UNKNOWN_FIELD /nodes/0/onErorr",
  ]);
});

test("error rules that contradict the connections are refused", () => {
  const flow = (node: object, connections: string[] = []) =>
    codesOf(flowData([{ id: "a", type: "noop", ...node }, noop("b")], connections));
  expect(flow({ onError: "branch" })).toEqual(["E_CONFIG /nodes/0/onError"]);
  expect(flow({ onError: "continue" }, ["a.error -> b"])).toEqual(["E_CONFIG /nodes/0/onError"]);
  expect(flow({ type: "if", config: { condition: true }, onError: "continue" })).toEqual([
    "E_CONFIG /nodes/0/onError",
  ]);
  expect(flow({}, ["a.error -> b"])).toEqual([]);
  expect(flow({ onError: "branch" }, ["a.error -> b"])).toEqual([]);
});

test("a disabled node needs no type and no config, and only has port out", () => {
  const off = { id: "off", type: "teleport", disabled: true, config: { x: "{{ nope" }, when: "(" };
  const plan = planOf(flowData([noop("a"), off, noop("b")], ["a -> off", "off -> b"]));
  expect(plan.requiredNodeTypes).toEqual(["noop"]);
  expect(codesOf(flowData([off, noop("b")], ["off.true -> b"]))).toEqual([
    "E_UNKNOWN_PORT /connections/0/from",
  ]);
});

test("a version of a type that is not there is refused", () => {
  expect(codesOf(flowData([noop("a", { typeVersion: 2 })]))).toEqual([
    "E_UNKNOWN_TYPE /nodes/0/typeVersion",
  ]);
  expect(codesOf(flowData([noop("a", { typeVersion: 1 })]))).toEqual([]);
});

test("unknown types can be kept for whoever waits for a worker that has them", () => {
  const data = flowData([{ id: "a", type: "teleport", config: { to: "{{ item.x }}" } }, noop("b")]);
  const kept = compileFlow(data, coreNodeTypes, { unknownTypes: "keep" });
  expect(kept).toMatchObject({ ok: true, plan: { unknownTypes: ["teleport"], pure: false } });
  const invalid = compileFlow({ ...data, connections: [{ from: "a", to: "z" }] }, coreNodeTypes, {
    unknownTypes: "keep",
  });
  expect(invalid).toMatchObject({ ok: false, problems: [{ code: "E_UNKNOWN_NODE" }] });
});

test("a type known by name only is taken on trust", () => {
  const catalog = withTypeNames(coreNodeTypes, ["teleport"]);
  const data = flowData([{ id: "a", type: "teleport" }, noop("b")], ["a.anywhere -> b"]);
  expect(compileFlow(data, catalog)).toMatchObject({ ok: true, plan: { unknownTypes: [] } });
});

test("the same name cannot be registered twice", () => {
  const twin = defineNode({ type: "noop", config: z.object({}), effects: "none", run: () => null });
  expect(() => nodeTypes([twin, twin])).toThrow(/"noop"/);
});

test("a flow is pure when no node has effects", () => {
  const http = (method: string) => ({
    id: "h",
    type: "http-request",
    config: { url: "http://x.test", method },
  });
  expect(planOf(flowData([noop("a")])).pure).toBe(true);
  expect(planOf(flowData([http("GET")])).pure).toBe(false);
  expect(planOf(flowData([http("GET")])).nodes[0]?.effects).toBe("idempotent");
  expect(planOf(flowData([http("POST")])).nodes[0]?.effects).toBe("unsafe");
});

test("what is probably not meant is warned about", () => {
  const post = { type: "http-request", config: { url: "http://x.test", method: "post" } };
  const plan = planOf(
    flowData(
      [
        { id: "if", type: "if", config: { condition: true } },
        noop("never", { join: "all" }),
        noop("off", { when: "false" }),
        noop("alone"),
        { id: "post", ...post, join: "any", retry: { maxAttempts: 3 } },
      ],
      ["if.true -> never", "if.false -> never", "never -> off", "if.true -> post", "off -> post"],
    ),
  );
  expect(plan.warnings.map(({ code, pointer }) => `${code} ${pointer}`)).toEqual([
    "W_UNREACHABLE /nodes/1/join",
    "W_UNREACHABLE /nodes/2/when",
    "W_UNCONNECTED /nodes/3",
    "W_JOIN_ANY_EFFECT /nodes/4/join",
    "W_UNSAFE_RETRY /nodes/4/retry",
  ]);
});

test("a schema of the inputs that is none is refused", () => {
  const withInputs = (inputs: object) => codesOf(flowData([noop("a")], [], { inputs }));
  expect(withInputs({ type: "object" })).toEqual([]);
  expect(withInputs({ type: "thing" })).toEqual(["E_SCHEMA /inputs"]);
  expect(withInputs({ $ref: "https://elsewhere.test/schema" })).toEqual(["E_SCHEMA /inputs"]);
  expect(withInputs({ properties: { a: { pattern: "(?=x)" } } })).toEqual(["E_SCHEMA /inputs"]);
});
