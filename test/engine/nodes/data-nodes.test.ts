import { expect, test } from "vitest";
import { flowData, HandClock, memoryLog, outputOf, runNow, settled } from "../fixtures.ts";

const node = (type: string, config: object = {}) => flowData([{ id: "a", type, config }]);
const errorOf = async (data: object, inputs: unknown = {}) => {
  const outcome = await runNow(data, { inputs });
  return outcome.status === "failed" ? outcome.error : outcome;
};
const orders = [
  { id: 1, total: 50, tags: ["new"] },
  { id: 2, total: 150, tags: [] },
  { id: 3, total: 300, tags: ["new", "big"] },
];

test("noop hands its input on, set gives its value", async () => {
  expect(await outputOf(node("noop"), { a: 1 })).toEqual({ a: 1 });
  expect(await outputOf(node("set", { value: { n: "{{ inputs.a * 2 }}" } }), { a: 4 })).toEqual({
    n: 8,
  });
});

test("data-filter keeps the items for which its condition is true", async () => {
  expect(await outputOf(node("data-filter", { condition: "item.total > 100" }), orders)).toEqual(
    orders.slice(1),
  );
  const config = { condition: "{{ 'new' in item.tags && index > 0 }}", items: "{{ inputs.list }}" };
  expect(await outputOf(node("data-filter", config), { list: orders })).toEqual([orders[2]]);
});

test("data-map makes its value of every item", async () => {
  const value = { n: "{{ index }}", text: "#{{ item.id }} of {{ inputs.size() }}" };
  expect(await outputOf(node("data-map", { value }), orders)).toEqual([
    { n: 0, text: "#1 of 3" },
    { n: 1, text: "#2 of 3" },
    { n: 2, text: "#3 of 3" },
  ]);
  expect(await outputOf(node("data-map", { value: 7, items: [1, 2] }))).toEqual([7, 7]);
});

test("an empty list stays an empty list", async () => {
  expect(await outputOf(node("data-filter", { condition: "true" }), [])).toEqual([]);
  expect(await outputOf(node("data-map", { value: "{{ item }}" }), [])).toEqual([]);
});

test("what is no list is an error that says so", async () => {
  expect(await errorOf(node("data-filter", { condition: "true" }), { a: 1 })).toMatchObject({
    code: "NOT_A_LIST",
    message: "the input must be a list, not object",
    retryable: false,
  });
  const config = { value: 1, items: "{{ inputs.gone }}" };
  expect(await errorOf(node("data-map", config), { gone: null })).toMatchObject({
    message: "items must be a list, not null",
  });
});

test("a condition that is not true or false is an error that names the item", async () => {
  expect(await errorOf(node("data-filter", { condition: "item" }), [true, 1])).toMatchObject({
    code: "EXPRESSION",
    message: "condition must be true or false, not 1 (item 1)",
  });
  expect(await errorOf(node("if", { condition: "inputs.n" }), { n: 1 })).toMatchObject({
    code: "CONFIG",
    retryable: false,
  });
});

test("a list that takes long is worked through in turns, so that others get theirs", async () => {
  const list = Array.from({ length: 50_000 }, (_, i) => i);
  const outcome = runNow(node("data-filter", { condition: "item % 2 == 0" }), { inputs: list });
  expect(outcome).toBeInstanceOf(Promise);
  const ended = await outcome;
  expect(ended.status === "completed" && ended.output).toEqual(list.filter((n) => n % 2 === 0));
  const mapped = await outputOf(node("data-map", { value: "{{ item + index }}" }), list);
  expect(mapped).toEqual(list.map((n) => n * 2));
});

test("a list that takes long is given up when the execution is cancelled", async () => {
  const controller = new AbortController();
  const inputs = Array.from({ length: 300 }, (_, i) => i);
  // 27 million comparisons, if it were not given up.
  const condition = "inputs.exists(x, inputs.exists(y, x + y < 0))";
  const run = { inputs, signal: controller.signal };
  const outcome = runNow(node("data-filter", { condition }), run);
  await settled();
  controller.abort("enough");
  expect(await outcome).toMatchObject({ status: "cancelled", reason: "enough" });
});

test("if sends its input one way or the other", async () => {
  const data = flowData(
    [
      { id: "check", type: "if", config: { condition: "input.n >= 10" } },
      { id: "big", type: "set", config: { value: "big {{ input.n }}" } },
      { id: "small", type: "set", config: { value: "small {{ input.n }}" } },
    ],
    ["check.true -> big", "check.false -> small"],
  );
  expect(await outputOf(data, { n: 10 })).toEqual({ big: "big 10" });
  expect(await outputOf(data, { n: 9 })).toEqual({ small: "small 9" });
});

test("delay hands its input on after its time, however long a node may otherwise take", async () => {
  const clock = new HandClock();
  const outcome = runNow(node("delay", { delayMs: 3_600_000 }), { clock, inputs: 5 });
  await clock.advance(3_600_000);
  expect(await outcome).toMatchObject({ status: "completed", output: 5 });
});

test("a delay that no timer can do is refused when it is known", async () => {
  expect(await errorOf(node("delay", { delayMs: "{{ inputs.ms }}" }), { ms: 1e12 })).toMatchObject({
    code: "CONFIG",
    message: expect.stringContaining("/config/delayMs"),
  });
});

test("log writes a line with the ids as fields and hands its input on", async () => {
  const { lines, log } = memoryLog();
  const config = { message: "order {{ inputs.id }}", level: "warn" };
  expect(await runNow(node("log", config), { log, inputs: { id: 7 } })).toMatchObject({
    output: { id: 7 },
  });
  expect(lines).toEqual([
    {
      level: "warn",
      fields: { executionId: "e-1", flowId: "f-1", nodeId: "a" },
      message: "order 7",
    },
  ]);
  await runNow(node("log", { message: { id: "{{ inputs.id }}" } }), { log, inputs: { id: 7 } });
  expect(lines[1]).toMatchObject({ level: "info", message: '{"id":7}' });
});
