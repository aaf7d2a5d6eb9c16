import { getEventListeners } from "node:events";
import { expect, test } from "vitest";
import { toPort } from "../../src/engine/define-node.ts";
import { runFlow } from "../../src/engine/run-flow.ts";
import type { NodeEvent } from "../../src/engine/run-types.ts";
import {
  flowData,
  HandClock,
  makeRun,
  nodeOf,
  outputOf,
  planOf,
  runNow,
  setFlow,
  settled,
} from "./fixtures.ts";

const set = (id: string, value: unknown) => ({ id, type: "set", config: { value } });

test("a flow of synchronous nodes gives its outcome at once", () => {
  expect(runNow(setFlow("hello"))).toEqual({
    status: "completed",
    output: "hello",
    nodesRun: 1,
    errors: [],
  });
});

test("a flow that waits for something gives a promise", async () => {
  const clock = new HandClock();
  const outcome = runNow(flowData([{ id: "a", type: "delay", config: { delayMs: 100 } }]), {
    clock,
    inputs: { n: 1 },
  });
  expect(outcome).toBeInstanceOf(Promise);
  await clock.advance(100);
  expect(await outcome).toMatchObject({ status: "completed", output: { n: 1 } });
  expect(clock.pending).toBe(0);
});

test("without inputs an execution has an empty object", async () => {
  expect(await outputOf(flowData([{ id: "a", type: "noop" }]), undefined)).toEqual({});
});

test("the output is that of the only node at the end", async () => {
  expect(await outputOf(flowData([set("a", 1), set("b", 2)], ["a -> b"]))).toBe(2);
});

test("with several nodes at the end the output is an object of those that ran", async () => {
  const data = flowData(
    [
      { id: "if", type: "if", config: { condition: "true" } },
      set("yes", 1),
      set("no", 2),
      set("c", 3),
    ],
    ["if.true -> yes", "if.false -> no"],
  );
  expect(await outputOf(data)).toEqual({ yes: 1, c: 3 });
});

test("an output template decides what the output is", async () => {
  const output = {
    sum: "{{ nodes.a + nodes.b }}",
    by: "{{ execution.flowId }}",
    in: "{{ inputs.n }}",
  };
  const data = flowData([set("a", 1), set("b", 2)], ["a -> b"], { output });
  expect(await outputOf(data, { n: 9 })).toEqual({ sum: 3, by: "f-1", in: 9 });
  expect(await outputOf({ ...data, output: null })).toBeNull();
});

test("an output template that fails fails the execution", () => {
  const data = flowData(
    [{ id: "if", type: "if", config: { condition: "false" } }, set("yes", 1)],
    ["if.true -> yes"],
    { output: "{{ nodes.yes }}" },
  );
  expect(runNow(data)).toMatchObject({
    status: "failed",
    error: { code: "EXPRESSION", retryable: false },
  });
});

test("a flow in which every node is skipped completes with null", () => {
  expect(runNow(flowData([{ ...set("a", 1), when: "false" }]))).toMatchObject({
    status: "completed",
    output: null,
    nodesRun: 0,
  });
});

test("conditions on nodes and connections see what arrived", async () => {
  const data = {
    ...flowData([
      set("a", { n: 5 }),
      set("big", "big"),
      { ...set("odd", "odd"), when: "input.n % 2 == 1" },
    ]),
    connections: [
      { from: "a", to: "big", when: "input.n > 10" },
      { from: "a", to: "odd", when: "{{ nodes.a.n > 1 }}" },
    ],
  };
  expect(await outputOf(data)).toEqual({ odd: "odd" });
});

test("a condition that is neither true nor false fails the execution", () => {
  const data = flowData([{ ...set("a", 1), when: "inputs.n" }]);
  expect(runNow(data, { inputs: { n: 1 } })).toMatchObject({
    error: { code: "EXPRESSION", message: "when must be true or false, not 1", nodeId: "a" },
  });
  const onEdge = { ...flowData([set("a", 1), set("b", 2)]) };
  const connections = [{ from: "a", to: "b", when: "input" }];
  expect(runNow({ ...onEdge, connections })).toMatchObject({
    error: { code: "EXPRESSION", nodeId: "a" },
  });
});

test("inputs that do not fit the flow's schema fail the execution before anything runs", () => {
  const inputs = { type: "object", properties: { n: { type: "number" } }, required: ["n"] };
  const data = flowData([{ id: "a", type: "noop" }], [], { inputs });
  expect(runNow(data, { inputs: { n: "x" } })).toEqual({
    status: "failed",
    error: { code: "INPUTS", message: "inputs/n must be number", retryable: false },
    nodesRun: 0,
  });
  expect(runNow(data, { inputs: { n: 1 } })).toMatchObject({ status: "completed" });
});

test("a node gets the facts of its execution", async () => {
  const seen: unknown[] = [];
  const look = nodeOf("look", (context) => {
    const { executionId, flowId, nodeId, attempt, idempotencyKey, config, input, inputs } = context;
    seen.push({ executionId, flowId, nodeId, attempt, idempotencyKey, config, input, inputs });
  });
  const data = flowData(
    [set("a", 1), { id: "b", type: "look", config: { x: "{{ input }}" } }],
    ["a -> b"],
  );
  expect(await outputOf(data, {}, [look])).toBeNull();
  expect(seen).toEqual([
    {
      executionId: "e-1",
      flowId: "f-1",
      nodeId: "b",
      attempt: 1,
      idempotencyKey: "e-1/b",
      config: { x: 1 },
      input: 1,
      inputs: [{ from: "a", port: "in", value: 1 }],
    },
  ]);
});

test("a node may choose its port, and only one that it has", () => {
  const choose = nodeOf("choose", () => toPort("elsewhere", 1));
  expect(runNow(flowData([{ id: "a", type: "choose" }]), {}, [choose])).toMatchObject({
    status: "failed",
    error: { code: "BAD_OUTPUT", nodeId: "a", retryable: false },
  });
});

test("no more nodes run at once than the flow and the worker allow", async () => {
  const clock = new HandClock();
  let running = 0;
  let most = 0;
  const slow = nodeOf("slow", async ({ sleep }) => {
    most = Math.max(most, ++running);
    await sleep(10);
    running--;
  });
  const nodes = Array.from({ length: 12 }, (_, i) => ({ id: `n${i}`, type: "slow" }));
  const limited = async (maxParallel: number, maxConcurrentNodes: number) => {
    most = 0;
    const data = flowData(nodes, [], { settings: { maxParallel } });
    const outcome = runNow(data, { clock, maxConcurrentNodes }, [slow]);
    await clock.advance(200);
    expect(await outcome).toMatchObject({ status: "completed", nodesRun: 12 });
    return most;
  };
  expect(await limited(3, 10)).toBe(3);
  expect(await limited(10, 2)).toBe(2);
  expect(await limited(50, 50)).toBe(12);
});

test("what happens to nodes is told as it happens", () => {
  const events: NodeEvent[] = [];
  const data = flowData(
    [{ id: "if", type: "if", config: { condition: true } }, set("yes", 1), set("no", 2)],
    ["if.true -> yes", "if.false -> no"],
  );
  void runNow(data, { onNodeEvent: (event) => events.push(event) });
  expect(events.map(({ nodeId, kind }) => `${nodeId} ${kind}`)).toEqual([
    "if started",
    "if completed",
    "no skipped",
    "yes started",
    "yes completed",
  ]);
  expect(events[0]).toEqual({
    nodeId: "if",
    type: "if",
    attempt: 1,
    at: 1_700_000_000_000,
    kind: "started",
  });
});

test("a node tells how far it is", () => {
  const events: NodeEvent[] = [];
  const half = nodeOf("half", ({ progress }) => progress(0.5));
  void runNow(flowData([{ id: "a", type: "half" }]), { onNodeEvent: (e) => events.push(e) }, [
    half,
  ]);
  expect(events).toContainEqual(expect.objectContaining({ kind: "progress", progress: 0.5 }));
});

test("one plan runs any number of executions at once", async () => {
  const plan = planOf(
    flowData([{ id: "a", type: "delay", config: { delayMs: "{{ inputs.ms }}" } }]),
  );
  const clock = new HandClock();
  const outcomes = [30, 10, 20].map((ms) => runFlow(plan, makeRun({ clock, inputs: { ms } })));
  await clock.advance(30);
  const outputs = (await Promise.all(outcomes)).map((outcome) =>
    outcome.status === "completed" ? outcome.output : outcome,
  );
  expect(outputs).toEqual([{ ms: 30 }, { ms: 10 }, { ms: 20 }]);
});

test("a node that writes into its config cannot change the plan for the next execution", () => {
  const greedy = nodeOf("greedy", ({ config }) => {
    const { lists } = config as { lists: number[][] };
    lists[0]?.push(1);
    return lists;
  });
  const data = flowData([{ id: "a", type: "greedy", config: { lists: [[]] } }]);
  const plan = planOf(data, [greedy]);
  for (let i = 0; i < 2; i++) {
    expect(runFlow(plan, makeRun())).toMatchObject({ error: { code: "INTERNAL" } });
  }
});

test("a chain of 5,000 nodes runs without a deep stack, synchronous or not", async () => {
  const later = nodeOf("later", async ({ input }) => input);
  for (const type of ["noop", "later"]) {
    const nodes = Array.from({ length: 5_000 }, (_, i) => ({ id: `n${i}`, type }));
    const chain = nodes.slice(1).map((node, i) => `n${i} -> ${node.id}`);
    const outcome = await runNow(flowData(nodes, chain), { inputs: { n: 1 } }, [later]);
    expect(outcome).toMatchObject({ status: "completed", output: { n: 1 }, nodesRun: 5_000 });
  }
});

test("5,000 branches from one node and back run", async () => {
  const nodes = Array.from({ length: 4_998 }, (_, i) => ({ id: `n${i}`, type: "noop" }));
  const wide = nodes.flatMap(({ id }) => [`from -> ${id}`, `${id} -> to`]);
  const ends = [set("from", 1), { id: "to", type: "merge", config: { mode: "append" } }];
  const output = await outputOf(flowData([...ends, ...nodes], wide));
  expect(output).toHaveLength(4_998);
});

test("nothing is left behind when an execution has ended", async () => {
  const clock = new HandClock();
  const controller = new AbortController();
  const wait = nodeOf("wait", ({ sleep }) => sleep(5));
  const data = flowData([{ id: "a", type: "wait", timeoutMs: 50 }], [], {
    settings: { timeoutMs: 1_000 },
  });
  const outcome = runNow(data, { clock, signal: controller.signal }, [wait]);
  await clock.advance(5);
  expect(await outcome).toMatchObject({ status: "completed" });
  expect(clock.pending).toBe(0);
  expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  controller.abort("late");
  await settled();
  expect(await outcome).toMatchObject({ status: "completed" });
});
