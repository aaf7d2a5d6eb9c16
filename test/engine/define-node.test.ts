import { expect, test } from "vitest";
import { z } from "zod";
import { expression, itemExpression, itemTemplate } from "../../src/engine/config-fields.ts";
import { defineNode, toPort } from "../../src/engine/define-node.ts";
import { codesOf, flowData, outputOf } from "./fixtures.ts";

const repeat = defineNode({
  type: "repeat",
  version: 3,
  config: z.strictObject({ text: z.string(), times: z.int().min(1).default(2) }),
  effects: "none",
  // The types of the config are those of its schema: this would not compile otherwise.
  run: ({ config }) => config.text.repeat(config.times),
});

/** Cases, each with a condition of its own: expressions inside a list of objects. */
const route = defineNode({
  type: "route",
  config: z.strictObject({
    cases: z.array(z.strictObject({ when: expression(z.boolean()), port: z.string() })),
  }),
  ports: (config) => {
    const cases = Array.isArray(config.cases) ? config.cases : [];
    return [...cases.map((each: { port: string }) => each.port), "default"];
  },
  effects: "none",
  run: ({ config, input }) =>
    toPort(config.cases.find((each) => each.when)?.port ?? "default", input),
});

const best = defineNode({
  type: "best",
  config: z.strictObject({ keep: itemExpression().optional(), show: itemTemplate() }),
  effects: "none",
  run({ config, input }) {
    const items = input as readonly unknown[];
    const kept = items.filter((item, index) => config.keep?.(item, index) ?? true);
    return kept.map((item, index) => config.show(item, index));
  },
});

test("a type of one's own gets its config typed, with defaults and templates filled in", async () => {
  const data = (config: object) => flowData([{ id: "a", type: "repeat", config }]);
  expect(await outputOf(data({ text: "{{ inputs.t }}" }), { t: "ab" }, [repeat])).toBe("abab");
  expect(await outputOf(data({ text: "x", times: 3 }), {}, [repeat])).toBe("xxx");
  expect(codesOf(data({ text: "x", times: 0 }), [repeat])).toEqual([
    "E_CONFIG /nodes/0/config/times",
  ]);
});

test("expressions may stand deep in a config, and ports may come from it", async () => {
  const cases = [
    { when: "input.n > 10", port: "large" },
    { when: "{{ input.n > 5 }}", port: "medium" },
  ];
  const data = flowData(
    [
      { id: "route", type: "route", config: { cases } },
      { id: "m", type: "set", config: { value: "medium" } },
      { id: "d", type: "set", config: { value: "other" } },
    ],
    ["route.medium -> m", "route.default -> d"],
  );
  expect(await outputOf(data, { n: 7 }, [route])).toEqual({ m: "medium" });
  expect(await outputOf(data, { n: 1 }, [route])).toEqual({ d: "other" });
  const wrong = flowData(
    [
      { id: "route", type: "route", config: { cases } },
      { id: "x", type: "noop" },
    ],
    ["route.tiny -> x"],
  );
  expect(codesOf(wrong, [route])).toEqual(["E_UNKNOWN_PORT /connections/0/from"]);
  const broken = flowData([
    { id: "route", type: "route", config: { cases: [{ when: "input.n >", port: "a" }] } },
  ]);
  expect(codesOf(broken, [route])).toEqual(["E_EXPR_SYNTAX /nodes/0/config/cases/0/when"]);
});

test("fields per item may be left out", async () => {
  const data = (config: object) => flowData([{ id: "a", type: "best", config }]);
  expect(await outputOf(data({ show: "#{{ item }}" }), [1, 2], [best])).toEqual(["#1", "#2"]);
  const config = { keep: "item > 1", show: { at: "{{ index }}", item: "{{ item }}" } };
  expect(await outputOf(data(config), [1, 2], [best])).toEqual([{ at: 0, item: 2 }]);
});

test("a type whose ports throw refuses the flow instead of breaking the compiler", () => {
  const touchy = defineNode({
    type: "touchy",
    config: z.looseObject({}),
    ports: () => {
      throw new Error("no config, no ports");
    },
    effects: "none",
    run: () => null,
  });
  expect(codesOf(flowData([{ id: "a", type: "touchy" }]), [touchy])).toEqual(["E_CONFIG "]);
});
