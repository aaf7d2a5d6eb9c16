import { expect, test } from "vitest";
import { LruCache } from "../../src/engine/lru-cache.ts";
import { coreNodeTypes } from "../../src/engine/node-types.ts";
import { planCache } from "../../src/engine/plan-cache.ts";
import { setFlow } from "./fixtures.ts";

test("the same flow is compiled once, and any change is another flow", () => {
  const plans = planCache(coreNodeTypes, 10);
  const first = plans.compile(setFlow(1));
  expect(plans.compile(structuredClone(setFlow(1)))).toBe(first);
  expect(plans.compile(setFlow(2))).not.toBe(first);
  expect(plans.size).toBe(2);
});

test("a caller that has the text need not have it made again", () => {
  const plans = planCache(coreNodeTypes, 10);
  const text = JSON.stringify(setFlow(1));
  expect(plans.compile(setFlow(1), text)).toBe(plans.compile(setFlow(1)));
});

test("bad flows are remembered too", () => {
  const plans = planCache(coreNodeTypes, 10);
  const bad = plans.compile({ name: "x" });
  expect(bad.ok).toBe(false);
  expect(plans.compile({ name: "x" })).toBe(bad);
});

test("the flow that was not used longest is forgotten", () => {
  const plans = planCache(coreNodeTypes, 2);
  const first = plans.compile(setFlow(1));
  plans.compile(setFlow(2));
  plans.compile(setFlow(1));
  plans.compile(setFlow(3));
  expect(plans.size).toBe(2);
  expect(plans.compile(setFlow(1))).toBe(first);
});

test("a cache keeps to its weight, also when an entry is written again", () => {
  const weigh = (key: string) => key.length;
  const cache = new LruCache<string, number>({ maxEntries: 10, maxWeight: 5, weigh });
  for (let i = 0; i < 4; i++) cache.set("aa", i);
  cache.set("bbb", 1);
  expect([cache.get("aa"), cache.get("bbb")]).toEqual([3, 1]);
  cache.set("c", 1);
  expect([cache.get("aa"), cache.get("bbb"), cache.get("c")]).toEqual([undefined, 1, 1]);
  cache.set("much too heavy", 1);
  expect(cache.size).toBe(2);
});

test("large flows do not pile up", () => {
  const plans = planCache(coreNodeTypes, 1_000);
  for (let i = 0; i < 12; i++) plans.compile(setFlow(`${i}${"x".repeat(900_000)}`));
  expect(plans.size).toBeLessThan(10);
  expect(plans.size).toBeGreaterThan(0);
});

test("what JSON cannot say is refused and not remembered", () => {
  const plans = planCache(coreNodeTypes, 10);
  const circle: Record<string, unknown> = { ...setFlow(1) };
  circle.meta = circle;
  expect(() => plans.compile(circle)).not.toThrow();
  expect(plans.compile({ ...setFlow(1), version: 1n }).ok).toBe(false);
  expect(plans.compile(undefined).ok).toBe(false);
  expect(plans.size).toBe(0);
});

test("a cache keeps what is used", () => {
  const cache = new LruCache<string, number>({ maxEntries: 2 });
  cache.set("a", 1);
  cache.set("b", 2);
  expect(cache.get("a")).toBe(1);
  cache.set("c", 3);
  expect([cache.get("a"), cache.get("b"), cache.get("c")]).toEqual([1, undefined, 3]);
  cache.set("d", 4);
  expect([cache.get("a"), cache.size]).toEqual([undefined, 2]);
});
