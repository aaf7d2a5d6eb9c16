import { expect, test } from "vitest";
import { arrivalsOf, inputOf } from "../../src/domain/flow-input.ts";
import { Driver, errorInfo, flowOf, started } from "./flow-fixtures.ts";

test("start nodes get the inputs of the execution", () => {
  const flow = flowOf(["a", "b"], ["a -> b"]);
  const run = new Driver(flow);
  expect(started(run.start(), flow)).toEqual(["a"]);
  expect(inputOf(run.state, 0)).toEqual({ from: "inputs" });
});

test("a node starts when the one before it has completed, and the flow ends with the last", () => {
  const flow = flowOf(["a", "b"], ["a -> b"]);
  const run = new Driver(flow);
  run.start();
  expect(started(run.complete("a", 7), flow)).toEqual(["b"]);
  expect(inputOf(run.state, 1)).toBe(7);
  expect(run.complete("b")).toEqual([{ type: "end", status: "completed" }]);
});

test("a join waits for all its branches and sees them in the order of the connections", () => {
  const flow = flowOf(["a", "b", "c", "join"], ["a -> b", "a -> c", "c -> join", "b -> join"]);
  const run = new Driver(flow);
  run.start();
  run.complete("a");
  expect(run.running).toEqual(["b", "c"]);
  expect(started(run.complete("b", "B"), flow)).toEqual([]);
  expect(started(run.complete("c", "C"), flow)).toEqual(["join"]);
  expect(inputOf(run.state, 3)).toEqual({ b: "B", c: "C" });
  expect(arrivalsOf(run.state, 3).map((arrival) => arrival.from)).toEqual(["c", "b"]);
});

test("the branch that was not taken is skipped to its end, and the join runs with the other", () => {
  const flow = flowOf(
    ["if", "yes", "no", "later", "join"],
    ["if.true -> yes", "if.false -> no", "no -> later", "later -> join", "yes -> join"],
  );
  const run = new Driver(flow);
  run.start();
  run.complete("if", 1, "true");
  expect(run.status("later")).toBe("skipped");
  expect(started(run.complete("yes", "Y"), flow)).toEqual(["join"]);
  expect(inputOf(run.state, 4)).toBe("Y");
});

test("join all is skipped when one of its branches is", () => {
  const flow = flowOf(
    ["a", "if", "b", { id: "join", join: "all" }],
    ["a -> join", "if.true -> b", "b -> join"],
  );
  const run = new Driver(flow);
  run.start();
  run.complete("if", 1, "false");
  expect(run.status("join")).toBe("pending");
  expect(run.complete("a").at(-1)).toEqual({ type: "end", status: "completed" });
  expect(run.status("join")).toBe("skipped");
});

test("join any runs on the first arrival and once", () => {
  const flow = flowOf(["a", "b", { id: "first", join: "any" }], ["a -> first", "b -> first"]);
  const run = new Driver(flow);
  run.start();
  expect(started(run.complete("b", "B"), flow)).toEqual(["first"]);
  expect(inputOf(run.state, 2)).toBe("B");
  run.complete("first");
  expect(run.complete("a", "A")).toEqual([{ type: "end", status: "completed" }]);
  expect(inputOf(run.state, 2)).toBe("B");
});

test("a node whose condition is false is skipped, and so is what only follows from it", () => {
  const flow = flowOf(["a", { id: "b", when: "no" }, "c"], ["a -> b", "b -> c"]);
  const run = new Driver(flow, { nodeWhen: () => false });
  run.start();
  expect(run.complete("a").at(-1)).toEqual({ type: "end", status: "completed" });
  expect([run.status("b"), run.status("c")]).toEqual(["skipped", "skipped"]);
});

test("a connection whose condition is false is not taken", () => {
  const flow = flowOf(["a", "b"], ["a -> b"]);
  const conditional = { ...flow, connections: flow.connections.map((c) => ({ ...c, when: "x" })) };
  const seen: unknown[] = [];
  const run = new Driver(conditional, {
    edgeWhen: (_state, _edge, value) => {
      seen.push(value);
      return false;
    },
  });
  run.start();
  run.complete("a", 42);
  expect(seen).toEqual([42]);
  expect(run.status("b")).toBe("skipped");
});

test("a disabled node hands its input on and runs nothing", () => {
  const flow = flowOf(
    ["a", { id: "off", disabled: true, when: "no" }, "b"],
    ["a -> off", "off -> b"],
  );
  const run = new Driver(flow, { nodeWhen: () => false });
  run.start();
  expect(started(run.complete("a", "value"), flow)).toEqual(["b"]);
  expect(inputOf(run.state, 2)).toBe("value");
});

test("no more nodes run at once than allowed, and those that come first go first", () => {
  const flow = flowOf(["end", "a", "b", "c"], ["a -> end", "b -> end", "c -> end"]);
  const run = new Driver(flow, {}, 2);
  run.start();
  expect(run.running).toEqual(["a", "b"]);
  run.complete("b");
  expect(run.running).toEqual(["a", "c"]);
});

test("a failure stops what runs, starts nothing more, and fails the execution when all is quiet", () => {
  const flow = flowOf(["a", "b", "c"], ["a -> c", "b -> c"]);
  const run = new Driver(flow);
  run.start();
  expect(run.fail("a")).toEqual([{ type: "abort", node: 1 }]);
  expect(run.status("c")).toBe("cancelled");
  expect(run.fail("b", { code: "CANCELLED" })).toEqual([
    { type: "end", status: "failed", error: errorInfo() },
  ]);
});

test("a node that still completes while the execution is being stopped has completed", () => {
  const run = new Driver(flowOf(["a", "b"]));
  run.start();
  run.fail("a");
  run.complete("b", "done");
  expect(run.status("b")).toBe("completed");
  expect(run.commands.at(-1)).toMatchObject({ type: "end", status: "failed" });
});

test("onError continue goes on with null", () => {
  const flow = flowOf([{ id: "a", onError: "continue" }, "b"], ["a -> b"]);
  const run = new Driver(flow);
  run.start();
  expect(started(run.fail("a"), flow)).toEqual(["b"]);
  expect(inputOf(run.state, 1)).toBeNull();
  expect(run.status("a")).toBe("failed");
});

test("an error port takes the error, and only then is the normal way pruned", () => {
  const flow = flowOf(["a", "ok", "sorry"], ["a -> ok", "a.error -> sorry"]);
  const run = new Driver(flow);
  run.start();
  expect(started(run.fail("a"), flow)).toEqual(["sorry"]);
  expect(inputOf(run.state, 2)).toEqual(errorInfo());
  expect(run.status("ok")).toBe("skipped");
});

test("a flow that goes on after errors prunes what follows and tells them", () => {
  const flow = flowOf(["a", "b", "c"], ["a -> b"], { onError: "continue" });
  const run = new Driver(flow);
  run.start();
  run.fail("a");
  run.complete("c");
  expect(run.commands.at(-1)).toEqual({ type: "end", status: "completed" });
  expect(run.state.passedOver).toEqual([errorInfo()]);
});

test("a condition that throws fails its node or the execution", () => {
  const rules = {
    nodeWhen: () => {
      throw new Error("no such key");
    },
  };
  const handled = new Driver(flowOf([{ id: "a", when: "x", onError: "continue" }]), rules);
  expect(handled.start().at(-1)).toEqual({ type: "end", status: "completed" });
  const unhandled = new Driver(flowOf([{ id: "a", when: "x" }]), rules);
  expect(unhandled.start().at(-1)).toMatchObject({
    status: "failed",
    error: { code: "EXPRESSION" },
  });
});

test("a retry waits, holds no slot, and counts its attempts", () => {
  const retry = { maxAttempts: 3, initialMs: 100, factor: 3 };
  const flow = flowOf([{ id: "a", retry }, "b"]);
  const run = new Driver(flow, {}, 1);
  run.start();
  expect(run.fail("a")).toMatchObject([
    { type: "retry", node: 0, attempt: 2, delayMs: 100, jitter: "full" },
    { type: "start", node: 1 },
  ]);
  run.complete("b");
  expect(run.due("a")).toEqual([{ type: "start", node: 0, attempt: 2 }]);
  expect(run.fail("a")).toMatchObject([{ type: "retry", attempt: 3, delayMs: 300 }]);
  run.due("a");
  expect(run.fail("a").at(-1)).toMatchObject({ type: "end", status: "failed" });
});

test("what is not retryable, not listed or excluded is not retried", () => {
  const attempt = (retry: object, error: object) => {
    const run = new Driver(flowOf([{ id: "a", retry: { maxAttempts: 5, ...retry } }]));
    run.start();
    return run.fail("a", error)[0]?.type;
  };
  expect(attempt({}, {})).toBe("retry");
  expect(attempt({}, { retryable: false })).toBe("end");
  expect(attempt({ on: ["OTHER"] }, {})).toBe("end");
  expect(attempt({ on: ["BOOM"] }, {})).toBe("retry");
  expect(attempt({ notOn: ["BOOM"] }, {})).toBe("end");
});

test("the server's own retry-after is kept exactly", () => {
  const run = new Driver(flowOf([{ id: "a", retry: { maxAttempts: 2 } }]));
  run.start();
  expect(run.fail("a", { retryAfterMs: 7_000 })).toMatchObject([
    { delayMs: 7_000, jitter: "none" },
  ]);
});

test("cancelling stops what runs and waits, and keeps the first reason", () => {
  const run = new Driver(flowOf([{ id: "a", retry: { maxAttempts: 2 } }, "b"]));
  run.start();
  run.fail("a");
  expect(run.send({ type: "cancel", reason: "not needed" })).toEqual([
    { type: "abort", node: 0 },
    { type: "abort", node: 1 },
  ]);
  run.send({ type: "abort", error: errorInfo({ code: "TIMEOUT" }) });
  expect(run.fail("b")).toEqual([{ type: "end", status: "cancelled", reason: "not needed" }]);
});

test("events that cannot be true any more change nothing", () => {
  const run = new Driver(flowOf([{ id: "a", retry: { maxAttempts: 2 } }, "b"], ["a -> b"]));
  run.start();
  run.fail("a");
  run.due("a");
  expect(run.send({ type: "completed", node: 0, attempt: 1, port: "out", output: 1 })).toEqual([]);
  expect(run.send({ type: "start" })).toEqual([]);
  expect(run.due("b")).toEqual([]);
  run.complete("a");
  run.complete("b");
  expect(run.complete("a")).toEqual([]);
  expect(run.send({ type: "cancel", reason: "late" })).toEqual([]);
});

test("an event before the start does not end the execution", () => {
  const run = new Driver(flowOf(["a"]));
  expect(run.due("a")).toEqual([]);
  expect(run.start()).toMatchObject([{ type: "start" }]);
});

test("a flow that runs more nodes than its limit fails", () => {
  const run = new Driver(flowOf(["a", "b"], ["a -> b"], { maxNodeRuns: 1 }));
  run.start();
  expect(run.complete("a").at(-1)).toMatchObject({ status: "failed", error: { code: "LIMIT" } });
});

test("a chain of 5,000 nodes is skipped, and another one run, without a deep stack", () => {
  const ids = Array.from({ length: 5_000 }, (_, i) => `n${i}`);
  const chain = ids.slice(1).map((id, i) => `n${i} -> ${id}`);
  const skipped = new Driver(flowOf([{ id: "n0", when: "no" }, ...ids.slice(1)], chain), {
    nodeWhen: () => false,
  });
  expect(skipped.start().at(-1)).toEqual({ type: "end", status: "completed" });
  const run = new Driver(flowOf(ids, chain));
  run.start();
  for (const id of ids) run.complete(id);
  expect(run.commands.at(-1)).toEqual({ type: "end", status: "completed" });
});
