import fc from "fast-check";
import { expect, test } from "vitest";
import { checkGraph } from "../../src/domain/flow-checks.ts";
import { findCycles } from "../../src/domain/flow-cycles.ts";
import { buildGraph } from "../../src/domain/flow-graph.ts";
import { flowOf } from "./flow-fixtures.ts";

const codes = (...args: Parameters<typeof flowOf>) =>
  checkGraph(flowOf(...args)).map(({ code, pointer }) => `${code} ${pointer}`);

test("a sound flow has no problems", () => {
  expect(codes(["a", "b", "c"], ["a -> b", "a -> c", "b -> c"])).toEqual([]);
});

test("everything wrong with the shape is told at once", () => {
  const found = codes(["a", "b", "b"], ["a -> b", "a -> b", "a -> x", "y -> z", "b -> b"]);
  expect(found).toEqual([
    "E_DUP_NODE /nodes/2/id",
    "E_UNKNOWN_NODE /connections/2/to",
    "E_UNKNOWN_NODE /connections/3/from",
    "E_UNKNOWN_NODE /connections/3/to",
    "E_SELF_LOOP /connections/4",
    "E_DUP_CONN /connections/1",
  ]);
});

test("two ports of one node may lead to the same node", () => {
  expect(codes(["a", "b"], ["a.true -> b", "a.false -> b"])).toEqual([]);
});

test("a node written in the wrong case is guessed", () => {
  const [problem] = checkGraph(flowOf(["Load", "b"], ["load -> b"]));
  expect(problem?.hint).toBe('did you mean "Load"?');
});

test("a cycle is printed from its first node", () => {
  const flow = flowOf(["a", "b", "c", "d"], ["a -> b", "c -> d", "b -> c", "d -> b"]);
  const problems = checkGraph(flow);
  expect(problems).toHaveLength(1);
  expect(problems[0]?.code).toBe("E_CYCLE");
  expect(problems[0]?.pointer).toBe("/connections/3");
  expect(problems[0]?.detail).toContain("b -> c -> d -> b");
});

test("two separate cycles are both told", () => {
  const flow = flowOf(
    ["a", "b", "c", "d", "e"],
    ["a -> b", "b -> a", "c -> d", "d -> c", "b -> e"],
  );
  const details = checkGraph(flow).map((problem) => problem.detail);
  expect(details).toHaveLength(2);
  expect(details[0]).toContain("a -> b -> a");
  expect(details[1]).toContain("c -> d -> c");
});

test("a circle of 5,000 nodes is told without printing all of them", () => {
  const ids = Array.from({ length: 5_000 }, (_, i) => `n${i}`);
  const circle = ids.map((id, i) => `${id} -> ${ids[(i + 1) % ids.length]}`);
  const [problem] = checkGraph(flowOf(ids, circle));
  expect(problem?.code).toBe("E_CYCLE");
  expect(problem?.detail.length).toBeLessThan(300);
});

test("ids that are names of object members are ordinary ids", () => {
  expect(codes(["__proto__", "constructor"], ["__proto__ -> constructor"])).toEqual([]);
  expect(codes(["a"], ["toString -> a"])).toEqual(["E_UNKNOWN_NODE /connections/0/from"]);
});

const anyGraph = fc.integer({ min: 1, max: 9 }).chain((size) => {
  const node = fc.integer({ min: 0, max: size - 1 });
  return fc.record({
    size: fc.constant(size),
    pairs: fc.array(fc.tuple(node, node), { maxLength: 20 }),
  });
});

test("either all nodes have an order or there is a cycle that really is one", () => {
  fc.assert(
    fc.property(anyGraph, ({ size, pairs }) => {
      const ids = Array.from({ length: size }, (_, i) => `n${i}`);
      const graph = buildGraph(
        flowOf(
          ids,
          pairs.map(([a, b]) => `n${a} -> n${b}`),
        ),
      );
      const cycles = findCycles(graph);
      expect(cycles.length === 0).toBe(graph.order.length === size);
      for (const cycle of cycles) {
        cycle.forEach((edge, i) => {
          const next = graph.edges[cycle[(i + 1) % cycle.length] as number];
          expect(graph.edges[edge]?.to).toBe(next?.from);
        });
      }
      for (const { from, to } of graph.edges) {
        const [a = -1, b = -1] = [graph.rank[from], graph.rank[to]];
        if (a >= 0 && b >= 0) expect(a).toBeLessThan(b);
      }
    }),
  );
});
