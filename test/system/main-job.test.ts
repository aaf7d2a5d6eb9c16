import { expect, test } from "vitest";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

test("a flow published with plain NATS is run by a worker and its result is there", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const flowData = {
    name: "greet",
    version: 1,
    nodes: [
      { id: "make", type: "set", config: { value: { text: "hola {{ inputs.name }}" } } },
      { id: "adult", type: "if", config: { condition: "inputs.age >= 18" } },
      {
        id: "grown",
        type: "set",
        config: { value: { group: "adult", text: "{{ nodes.make.text }}" } },
      },
      { id: "young", type: "set", config: { value: { group: "child" } } },
    ],
    connections: [
      { from: "make", to: "adult" },
      { from: "adult.true", to: "grown" },
      { from: "adult.false", to: "young" },
    ],
  };
  await cluster.publish("high", {
    flowId: "greet",
    executionId: "greet-1",
    flowData,
    inputs: { name: "Ada", age: 36 },
  });
  const result = await cluster.result("greet-1");
  expect(result).toMatchObject({
    executionId: "greet-1",
    flowId: "greet",
    status: "completed",
    lane: "high",
    workerId: "w1",
    attempts: 1,
  });
  expect(JSON.stringify(result.output)).toContain("hola Ada");
  await cluster.events.first(({ kind }) => kind === "completed");
  const kinds = cluster.events.bodies.map(({ kind }) => kind);
  for (const kind of ["accepted", "assigned", "started", "node", "completed"])
    expect(kinds).toContain(kind);
});

test("an execution without an id is named after its place in the stream", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const { seq } = await cluster.publish("low", { flowId: "noop", flowData: NOOP_FLOW });
  const executionId = `${cluster.bus.names.streams.flows.low}-${seq}`;
  expect(await cluster.result(executionId)).toMatchObject({ status: "completed", lane: "low" });
});

test("a failing flow is tried again as often as it may, then dead-lettered with every attempt", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_RETRY_BACKOFF: "10ms" });
  await cluster.worker("w1");
  const config = { code: "BOOM", message: "it broke", retryable: true };
  const flowData = {
    name: "bad",
    version: 1,
    nodes: [{ id: "f", type: "fail", config }],
    connections: [],
  };
  await cluster.publish("normal", {
    flowId: "bad",
    executionId: "bad-1",
    flowData,
    maxAttempts: 3,
  });
  const result = await cluster.result("bad-1");
  expect(result).toMatchObject({
    status: "failed",
    reason: "max_attempts",
    attempts: 3,
    error: { code: "BOOM", nodeId: "f" },
  });
  const [letter] = await cluster.deadLetters.count(1);
  expect(letter).toMatchObject({ executionId: "bad-1", lane: "normal", reason: "max_attempts" });
  expect(letter?.attempts.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  expect(letter?.message.data).toMatchObject({ executionId: "bad-1" });
});

test("an execution that was killed with its worker is run again by another one, and ends once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const doomed = await cluster.worker("doomed");
  await cluster.worker("heir");
  const ids = ["k-1", "k-2", "k-3", "k-4"];
  for (const executionId of ids) {
    await cluster.publish("normal", { flowId: "slow", executionId, flowData: slowFlow(2_000) });
  }
  await cluster.events.until((all) => all.filter(({ kind }) => kind === "started").length === 4);
  doomed.kill("SIGKILL");
  const held = cluster.events.bodies
    .filter(({ kind, workerId }) => kind === "started" && workerId === "doomed")
    .map(({ executionId }) => executionId);
  expect(held.length).toBeGreaterThan(0);
  const results = await cluster.results.count(4);
  expect(results.map(({ executionId }) => executionId).sort()).toEqual(ids);
  for (const result of results) {
    const attempts = held.includes(result.executionId) ? 2 : 1;
    expect(result).toMatchObject({ status: "completed", workerId: "heir", attempts });
  }
  const lost = await cluster.states.first(
    ({ workerId, to }) => workerId === "doomed" && to === "offline",
  );
  expect(lost.reasons.join()).toMatch(/unreachable|nobody listens/);
});

test("a worker stopped with SIGTERM goes registering, healthy, draining, offline, and finishes its task", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const worker = await cluster.worker("w1");
  await cluster.publish("normal", { flowId: "slow", executionId: "last", flowData: slowFlow(700) });
  await cluster.events.first(({ kind }) => kind === "started");
  worker.kill("SIGTERM");
  expect(await worker.exited()).toBe(0);
  await cluster.states.first(({ to }) => to === "offline");
  expect(cluster.states.bodies.map(({ to }) => to)).toEqual([
    "registering",
    "healthy",
    "draining",
    "offline",
  ]);
  expect(cluster.states.bodies.map(({ from }) => from)).toEqual([
    null,
    "registering",
    "healthy",
    "draining",
  ]);
  expect(await cluster.result("last")).toMatchObject({ status: "completed", workerId: "w1" });
});

test("an idle worker stopped with SIGTERM is announced the same way", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  const worker = await cluster.worker("w1");
  worker.kill("SIGTERM");
  expect(await worker.exited()).toBe(0);
  await cluster.states.first(({ to }) => to === "offline");
  expect(cluster.states.bodies.map(({ to }) => to)).toEqual([
    "registering",
    "healthy",
    "draining",
    "offline",
  ]);
});

test("an orchestrator that is replaced finds its workers again and nothing is lost", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const second = await cluster.orchestrator();
  await cluster.publish("normal", {
    flowId: "slow",
    executionId: "before",
    flowData: slowFlow(300),
  });
  await cluster.result("before");
  second.kill("SIGTERM");
  expect(await second.exited()).toBe(0);
  await cluster.publish("normal", { flowId: "noop", executionId: "after", flowData: NOOP_FLOW });
  expect(await cluster.result("after")).toMatchObject({ status: "completed", workerId: "w1" });
});
