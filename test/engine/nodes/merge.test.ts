import { expect, test } from "vitest";
import { codesOf, flowData, outputOf, runNow } from "../fixtures.ts";

function mergeFlow(config: object, values: readonly unknown[]) {
  const sources = values.map((value, i) => ({ id: `s${i}`, type: "set", config: { value } }));
  return flowData(
    [...sources, { id: "merge", type: "merge", config }],
    // Last first: only the order of the connections counts.
    sources.map(({ id }) => `${id} -> merge`),
  );
}
const merged = (config: object, ...values: unknown[]) => outputOf(mergeFlow(config, values));

test("object joins the fields, and a later connection wins", async () => {
  expect(await merged({}, { a: 1, b: 1 }, { b: 2, c: 2 })).toEqual({ a: 1, b: 2, c: 2 });
});

test("append puts lists one after the other, and single values among them", async () => {
  expect(await merged({ mode: "append" }, [1, 2], 3, [4])).toEqual([1, 2, 3, 4]);
});

test("zip goes by position and fills up with null", async () => {
  expect(await merged({ mode: "zip" }, [1, 2, 3], ["a"])).toEqual([
    [1, "a"],
    [2, null],
    [3, null],
  ]);
});

test("joinByKey joins the objects that have the same key", async () => {
  const people = [
    { id: 1, name: "Ana" },
    { id: 2, name: "Bo" },
  ];
  const ages = [
    { id: 2, age: 40 },
    { id: 3, age: 50 },
  ];
  expect(await merged({ mode: "joinByKey", key: "id" }, people, ages)).toEqual([
    { id: 1, name: "Ana" },
    { id: 2, name: "Bo", age: 40 },
    { id: 3, age: 50 },
  ]);
});

test("first takes the first connection that delivered", async () => {
  expect(await merged({ mode: "first" }, "a", "b")).toBe("a");
  const data = flowData(
    [
      { id: "if", type: "if", config: { condition: "inputs.ok" } },
      { id: "good", type: "set", config: { value: "good" } },
      { id: "bad", type: "set", config: { value: "bad" } },
      { id: "merge", type: "merge", config: { mode: "first" } },
    ],
    ["if.true -> good", "if.false -> bad", "good -> merge", "bad -> merge"],
  );
  expect(await outputOf(data, { ok: false })).toBe("bad");
});

test("a merge of one value is that value, also at the start of a flow", async () => {
  expect(await merged({ mode: "append" }, [1])).toEqual([1]);
  const alone = flowData([{ id: "m", type: "merge" }]);
  expect(await outputOf(alone, { a: 1 })).toEqual({ a: 1 });
});

test("joinByKey needs a key, in the config and in every object", async () => {
  expect(codesOf(mergeFlow({ mode: "joinByKey" }, [[]]))).toEqual(["E_CONFIG /nodes/1/config/key"]);
  const data = mergeFlow({ mode: "joinByKey", key: "id" }, [[{ id: 1 }], [{ name: "x" }]]);
  expect(await runNow(data)).toMatchObject({
    error: { code: "MERGE", message: 'an object has no field "id"', retryable: false },
  });
});

test("values that do not fit the mode are an error", async () => {
  expect(await runNow(mergeFlow({}, [1, { a: 1 }]))).toMatchObject({ error: { code: "MERGE" } });
  expect(await runNow(mergeFlow({ mode: "zip" }, [1]))).toMatchObject({ error: { code: "MERGE" } });
});

test("a field called __proto__ stays a field", async () => {
  const hostile: unknown = JSON.parse('{"__proto__":{"polluted":true}}');
  const output = await merged({}, hostile, { a: 1 });
  expect(JSON.stringify(output)).toBe('{"__proto__":{"polluted":true},"a":1}');
  expect({}).not.toHaveProperty("polluted");
});
