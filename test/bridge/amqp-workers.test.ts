import { expect, type TestContext, test } from "vitest";
import { NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";
import { LegacyWorker, type LegacyWorkerOptions } from "./legacy-worker.ts";

const nats = useNats();
const rabbit = useRabbit();
const LONG = { timeout: 60_000, interval: 50 };

async function start(task: TestContext["task"]) {
  const joined = await join(task, nats, rabbit());
  const { cluster, client } = joined;
  const bridge = await joined.bridge();
  const worker = async (workerId: string, options: LegacyWorkerOptions = {}) => {
    const legacy = new LegacyWorker(client, workerId, options);
    await legacy.start();
    await cluster.states.first((event) => event.workerId === workerId && event.to === "healthy");
    return legacy;
  };
  return { ...joined, bridge, another: joined.bridge, worker };
}

function flow(executionId: string, more: object = {}) {
  return message(executionId, { inputs: { n: 1 }, ...more });
}

test("a worker of the old system is a worker like any other: it is given flows, whole, and its word counts", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  const legacy = await worker("old-1");
  await cluster.publish("high", flow("e-1"));
  const result = await cluster.result("e-1");
  expect(result).toMatchObject({
    status: "completed",
    workerId: "old-1",
    lane: "high",
    output: { by: "old-1" },
    attempts: 1,
  });
  expect(legacy.tasks).toMatchObject([
    {
      taskId: "e-1.1",
      executionId: "e-1",
      flowId: "noop",
      attempt: 1,
      priority: "high",
      flowData: NOOP_FLOW,
      inputs: { n: 1 },
      assignedTo: "old-1",
    },
  ]);
});

test("it is given work up to four fifths of its slots, and shares it with workers of ours", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  const held: (() => void)[] = [];
  const work = () =>
    new Promise<object>((resolve) => held.push(() => resolve({ status: "completed" })));
  const legacy = await worker("old-1", { slots: 5, work });
  for (let i = 0; i < 7; i += 1) await cluster.publish("normal", flow(`e-${i}`));
  await expect.poll(() => legacy.tasks.length, LONG).toBe(4);
  await cluster.worker("new-1");
  // Those that waited are run by the one that has room.
  await expect.poll(() => cluster.results.bodies.length, LONG).toBe(3);
  expect(legacy.tasks).toHaveLength(4);
  for (const go of held) go();
  await expect.poll(() => cluster.results.bodies.length, LONG).toBe(7);
  const by = cluster.results.bodies.map(({ workerId }) => workerId).sort();
  expect(by).toEqual(["new-1", "new-1", "new-1", "old-1", "old-1", "old-1", "old-1"]);
});

test("a flow with a node type that it does not have never reaches it", async ({ task }) => {
  const { cluster, worker } = await start(task);
  const legacy = await worker("old-1", { nodeTypes: ["noop"] });
  const nodes = [{ id: "s", type: "set", config: { value: 1 } }];
  await cluster.publish("normal", flow("other", { flowData: { ...NOOP_FLOW, nodes } }));
  await cluster.publish("normal", flow("own"));
  expect((await cluster.result("own")).workerId).toBe("old-1");
  await cluster.worker("new-1");
  expect((await cluster.result("other")).workerId).toBe("new-1");
  expect(legacy.tasks).toHaveLength(1);
});

test("what it says has failed is tried again, elsewhere or there, and in the end is a dead letter", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  const error = { code: "NO_STOCK", message: "the shelf is empty", retryable: false };
  await worker("old-1", { work: () => ({ status: "failed", error }) });
  await cluster.publish("normal", flow("broken"));
  expect(await cluster.result("broken")).toMatchObject({
    status: "failed",
    error: { code: "NO_STOCK" },
  });
});

test("one that falls silent loses what it holds: another one runs it, and its late word is dropped", async ({
  task,
}) => {
  const { cluster, bridge, worker } = await start(task);
  const legacy = await worker("old-1", { work: () => undefined });
  await cluster.publish("normal", flow("moved"));
  await expect.poll(() => legacy.tasks.length, LONG).toBe(1);
  const [held] = legacy.tasks;
  await legacy.die();
  await cluster.worker("new-1");
  const result = await cluster.result("moved");
  expect(result).toMatchObject({ status: "completed", workerId: "new-1", attempts: 2 });
  if (held !== undefined) await legacy.report(held, { status: "completed", output: "late" });
  await bridge.says(/a task result that nobody waits for is dropped/);
  expect(cluster.results.bodies).toHaveLength(1);
});

test("it is drained as any other: it finishes what it holds, and is given nothing more", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  let finish = () => {};
  const work = () =>
    new Promise<object>((resolve) => {
      finish = () => resolve({ status: "completed", output: "in time" });
    });
  const legacy = await worker("old-1", { work });
  await cluster.publish("normal", flow("last"));
  await expect.poll(() => legacy.tasks.length, LONG).toBe(1);
  const drain = cluster.child(["drain", "old-1"]);
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "draining");
  finish();
  expect(await cluster.result("last")).toMatchObject({ output: "in time", workerId: "old-1" });
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "offline");
  expect(await drain.exited()).toBe(0);
});

test("a bridge that stops waits for what its workers hold: nothing runs twice, and the next bridge has them", async ({
  task,
}) => {
  const { cluster, bridge, worker, another } = await start(task);
  let finish = () => {};
  const work = () =>
    new Promise<object>((resolve) => {
      finish = () => resolve({ status: "completed", output: "in time" });
    });
  const legacy = await worker("old-1", { work });
  await cluster.publish("normal", flow("held"));
  await expect.poll(() => legacy.tasks.length, LONG).toBe(1);
  bridge.kill("SIGTERM");
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "draining");
  finish();
  expect(await cluster.result("held")).toMatchObject({ output: "in time", attempts: 1 });
  expect(await bridge.exited()).toBe(0);
  await cluster.publish("normal", flow("next"));
  await another();
  await expect.poll(() => legacy.tasks.length, LONG).toBe(2);
  finish();
  expect(await cluster.result("next")).toMatchObject({ workerId: "old-1", attempts: 1 });
});

test("a bridge that is killed loses no worker: the next one stands for it, though it registers but once", async ({
  task,
}) => {
  const { cluster, bridge, worker, another } = await start(task);
  const legacy = await worker("old-1");
  bridge.kill("SIGKILL");
  await bridge.exited();
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "offline");
  await cluster.publish("normal", flow("after"));
  await another();
  expect(await cluster.result("after")).toMatchObject({ workerId: "old-1", status: "completed" });
  expect(legacy.tasks.length).toBeGreaterThan(0);
});

test("of two bridges either may hear of a worker: what it says reaches the one that stands for it", async ({
  task,
}) => {
  const { cluster, worker, another } = await start(task);
  await another();
  await worker("old-1", { slots: 20 });
  await worker("old-2", { slots: 20 });
  for (let i = 0; i < 40; i += 1) await cluster.publish("normal", flow(`e-${i}`));
  await expect.poll(() => cluster.results.bodies.length, LONG).toBe(40);
  expect(cluster.results.bodies.every(({ attempts }) => attempts === 1)).toBe(true);
  expect(new Set(cluster.results.bodies.map(({ workerId }) => workerId))).toEqual(
    new Set(["old-1", "old-2"]),
  );
});

test("a registration or result that cannot be read is with the dead, with what is wrong with it", async ({
  task,
}) => {
  const { client, prefix } = await start(task);
  const dead = await client.heard(`${prefix}.dead`);
  await client.publish("worker.registration", { workerId: "a b", capacity: {} });
  await client.publish("task.result", "{");
  await expect.poll(() => dead.length, LONG).toBe(2);
  const bySource = Object.fromEntries(
    dead.map(({ headers }) => [headers["x-batuta-source"], headers]),
  );
  expect(bySource[`${prefix}.workers.registration`]?.["x-batuta-error"]).toMatch(
    /supportedNodeTypes/,
  );
  expect(bySource[`${prefix}.results`]?.["x-batuta-error"]).toMatch(/JSON/);
});
