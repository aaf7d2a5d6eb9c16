import fc from "fast-check";
import { expect, test } from "vitest";
import { compileFlow } from "../../src/engine/compile-flow.ts";
import { coreNodeTypes } from "../../src/engine/node-types.ts";
import { codesOf, flowData, outputOf, planOf, runNow, setFlow } from "./fixtures.ts";

test("no value whatever makes the compiler throw", () => {
  fc.assert(
    fc.property(
      fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }),
      (data) => {
        expect(compileFlow(data, coreNodeTypes).ok).toBe(false);
      },
    ),
  );
});

test("no mutilated flow makes the compiler throw", () => {
  const good = flowData(
    [
      { id: "a", type: "set", config: { value: "{{ inputs.x }}" }, retry: { maxAttempts: 2 } },
      { id: "b", type: "data-map", config: { value: { n: "{{ item }}" } }, when: "true" },
    ],
    ["a -> b"],
    { output: "{{ nodes.b }}", settings: { maxParallel: 2 }, inputs: { type: "object" } },
  );
  const text = JSON.stringify(good);
  const piece = fc.constantFrom("null", "{}", "[]", '"{{"', '"a"', "-1", '"__proto__"', "1e9");
  const values = [...text.matchAll(/("[^"]*"|\d+)(?=[,}\]])/g)];
  fc.assert(
    fc.property(fc.constantFrom(...values), piece, (match, replacement) => {
      const end = match.index + match[0].length;
      const changed = text.slice(0, match.index) + replacement + text.slice(end);
      expect(typeof compileFlow(JSON.parse(changed), coreNodeTypes).ok).toBe("boolean");
    }),
    { numRuns: 300 },
  );
});

test("a config nested too deep is refused", () => {
  const deep = JSON.parse(`${'{"a":'.repeat(400)}1${"}".repeat(400)}`);
  expect(codesOf(setFlow(deep))[0]).toMatch(/^E_LIMIT \/nodes\/0\/config\/value\/a/);
  const veryDeep = () => JSON.parse(`${"[".repeat(100_000)}${"]".repeat(100_000)}`);
  const deeper = veryDeep();
  expect(codesOf(setFlow(deeper))[0]).toMatch(/^E_LIMIT/);
  expect(codesOf({ ...setFlow(1), output: deeper })[0]).toMatch(/^E_LIMIT/);
  expect(
    runNow({ ...setFlow(1), inputs: { enum: [deeper] } }, { inputs: veryDeep() }),
  ).toMatchObject({
    error: { code: "INPUTS", retryable: false },
  });
});

test("keys that mean something to JavaScript mean nothing in a config", async () => {
  const value = JSON.parse('{"__proto__":{"polluted":1},"constructor":{"prototype":{"x":1}}}');
  const output = await outputOf(setFlow({ ...value, n: "{{ 1 }}" }));
  expect(Object.keys(output as object)).toContain("constructor");
  const withProto = JSON.parse('{"__proto__":{"polluted":"{{ 1 + 1 }}"}}');
  expect(JSON.stringify(await outputOf(setFlow(withProto)))).toBe('{"__proto__":{"polluted":2}}');
  expect({}).not.toHaveProperty("polluted");
  const unknown = JSON.parse('{"__proto__":1,"toString":1}');
  expect(codesOf(flowData([{ id: "a", type: "noop", config: unknown }]))).toEqual([
    "E_CONFIG /nodes/0/config/__proto__",
    "E_CONFIG /nodes/0/config/toString",
  ]);
});

test("a type called like an object member is an unknown type", () => {
  for (const type of ["constructor", "__proto__", "toString"]) {
    expect(codesOf(flowData([{ id: "a", type }]))).toEqual(["E_UNKNOWN_TYPE /nodes/0/type"]);
  }
});

test("nodes called like object members run and can be read", async () => {
  const data = flowData(
    [
      { id: "__proto__", type: "set", config: { value: 1 } },
      { id: "constructor", type: "set", config: { value: 2 } },
      { id: "sum", type: "set", config: { value: "{{ nodes.__proto__ + nodes.constructor }}" } },
      { id: "both", type: "noop" },
    ],
    ["__proto__ -> sum", "constructor -> sum", "__proto__ -> both", "constructor -> both"],
  );
  const output = (await outputOf(data)) as Record<string, unknown>;
  expect(output.sum).toBe(3);
  expect(JSON.stringify(output.both)).toBe('{"__proto__":1,"constructor":2}');
});

test("flows at the limits compile, and beyond them are refused", () => {
  const nodes = Array.from({ length: 5_000 }, (_, i) => ({ id: `n${i}`, type: "noop" }));
  const chain = nodes.slice(1).map((node, i) => `n${i} -> ${node.id}`);
  expect(planOf(flowData(nodes, chain)).nodes).toHaveLength(5_000);
  expect(codesOf(flowData([...nodes, { id: "one-more", type: "noop" }]))).toContain(
    "E_LIMIT /nodes",
  );
});

test("thousands of problems are cut, since they travel in one message", () => {
  const connections = Array.from({ length: 20_000 }, (_, i) => `x${i} -> y${i}`);
  const codes = codesOf(flowData([{ id: "a", type: "noop" }], connections));
  expect(codes).toHaveLength(201);
  expect(codes.at(-1)).toBe("E_LIMIT ");
});

test("what is written into a flow after it was compiled does not reach the plan", async () => {
  const data = setFlow({ list: [1, 2] });
  const plan = planOf(data);
  const [node] = data.nodes as [{ config: { value: { list: number[] } } }];
  node.config.value.list.push(3);
  const { runFlow } = await import("../../src/engine/run-flow.ts");
  const { makeRun } = await import("./fixtures.ts");
  expect(runFlow(plan, makeRun())).toMatchObject({ output: { list: [1, 2] } });
});
