import { expect, test } from "vitest";
import { settledBefore } from "../../src/domain/flow-ancestors.ts";
import { buildGraph } from "../../src/domain/flow-graph.ts";
import { flowOf } from "./flow-fixtures.ts";

const order = (...args: Parameters<typeof flowOf>) => {
  const flow = flowOf(...args);
  const isBefore = settledBefore(flow, buildGraph(flow));
  const index = (id: string) => flow.nodes.findIndex((node) => node.id === id);
  return (earlier: string, later: string) => isBefore(index(earlier), index(later));
};

test("a node may read all its ancestors and nothing else", () => {
  const before = order(["a", "b", "c", "d"], ["a -> b", "b -> d", "a -> c", "c -> d"]);
  expect(before("a", "d")).toBe(true);
  expect(before("b", "d")).toBe(true);
  expect(before("b", "c")).toBe(false);
  expect(before("d", "a")).toBe(false);
  expect(before("a", "a")).toBe(false);
});

test("behind a join any only what both ways have in common is settled", () => {
  const nodes = ["root", "fast", "slow", { id: "first", join: "any" as const }, "after"];
  const before = order(nodes, [
    "root -> fast",
    "root -> slow",
    "fast -> first",
    "slow -> first",
    "first -> after",
  ]);
  expect(before("root", "after")).toBe(true);
  expect(before("first", "after")).toBe(true);
  expect(before("slow", "first")).toBe(false);
  expect(before("fast", "after")).toBe(false);
});

test("it holds over more than 32 nodes", () => {
  const ids = Array.from({ length: 100 }, (_, i) => `n${i}`);
  const before = order(
    ids,
    ids.slice(1).map((id, i) => `n${i} -> ${id}`),
  );
  expect(before("n0", "n99")).toBe(true);
  expect(before("n64", "n65")).toBe(true);
  expect(before("n99", "n0")).toBe(false);
});
