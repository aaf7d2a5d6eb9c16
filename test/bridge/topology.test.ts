import { expect, type TestContext, test } from "vitest";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";
import { LegacyWorker } from "./legacy-worker.ts";

const nats = useNats();
const rabbit = useRabbit();
const LONG = { timeout: 60_000, interval: 50 };
const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } };

const start = (task: TestContext["task"], settings: Readonly<Record<string, string>> = {}) =>
  join(task, nats, rabbit(), settings);

function registration(workerId: string, heartbeatIntervalMs: number) {
  const capacity = { maxConcurrentFlows: 2 };
  return { workerId, capacity, supportedNodeTypes: ["noop"], heartbeatIntervalMs };
}

/** What docs/amqp.md tells operators to set, with few deliveries. */
async function setPolicies(prefix: string): Promise<void> {
  const limits = { "dead-letter-exchange": `${prefix}.dlx`, "delivery-limit": 2 };
  const beats = { "message-ttl": 30_000, "max-length": 10_000 };
  const set = (name: string, pattern: string, definition: object) =>
    rabbit().control(
      "set_policy",
      `${prefix}-${name}`,
      pattern,
      JSON.stringify(definition),
      "--apply-to",
      "queues",
    );
  await set("batuta", `^${prefix}\\.(flows|results|tasks)`, limits);
  await set("beats", `^${prefix}\\.workers\\.heartbeat`, beats);
}

test("a bridge that may declare nothing, and finds all that is needed, does all that others do", async ({
  task,
}) => {
  const { cluster, client, bridge } = await start(task);
  const declaring = await bridge();
  await client.channel.assertQueue(`${client.prefix}.tasks.old-1`, QUORUM);
  await client.channel.bindQueue(
    `${client.prefix}.tasks.old-1`,
    client.prefix,
    "task.assign.old-1",
  );
  declaring.kill("SIGTERM");
  await declaring.exited();
  await bridge({ BATUTA_AMQP_TOPOLOGY: "passive" });
  await new LegacyWorker(client, "old-1").start();
  await client.publish("flow.execute.high", message("e-1"));
  expect(await cluster.result("e-1")).toMatchObject({ status: "completed", workerId: "old-1" });
});

test("a worker without a queue, at a bridge that may make none, keeps nobody else from working", async ({
  task,
}) => {
  const { cluster, client, bridge } = await start(task);
  const declaring = await bridge();
  declaring.kill("SIGTERM");
  await declaring.exited();
  const passive = await bridge({ BATUTA_AMQP_TOPOLOGY: "passive" });
  await cluster.worker("w-1");
  await client.publish("worker.registration", registration("no-queue", 1_000));
  const events = await client.events("flow.completed.#");
  for (let i = 0; i < 20; i += 1) {
    await client.publish("flow.execute.normal", message(`e-${i}`));
    await expect.poll(() => events.length, LONG).toBeGreaterThan(i);
  }
  expect(passive.output).not.toContain("AMQP link down");
});

test("under the policies of the documents a task that its worker hands back again and again is with the dead, and is run when the worker begins anew", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await start(task);
  await setPolicies(prefix);
  const child = await bridge();
  const dead = await client.heard(`${prefix}.dead`);
  const tasks = `${prefix}.tasks.old-1`;
  await client.channel.assertQueue(tasks, QUORUM);
  let handedBack = 0;
  const { consumerTag } = await client.channel.consume(tasks, (given) => {
    if (given === null) return;
    handedBack += 1;
    client.channel.reject(given, true);
  });
  await client.publish("worker.registration", registration("old-1", 600_000));
  const isHealthy = async () => {
    await client.publish("worker.heartbeat", { workerId: "old-1" });
    return cluster.states.bodies.some(({ to }) => to === "healthy");
  };
  await expect.poll(isHealthy, LONG).toBe(true);
  await cluster.publish("normal", message("poison"));
  await expect.poll(() => dead.length, LONG).toBe(1);
  expect(handedBack).toBe(3);
  expect(dead[0]).toMatchObject({
    routingKey: "task.assign.old-1",
    headers: { "x-death": [expect.objectContaining({ reason: "delivery_limit", queue: tasks })] },
  });
  await client.channel.cancel(consumerTag);
  await new LegacyWorker(client, "old-1").start();
  expect(await cluster.result("poison")).toMatchObject({ status: "completed", workerId: "old-1" });
  expect(child.output).not.toContain("AMQP link down");
});

test("what is given to a worker whose queue was deleted is run by another one", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await start(task);
  const child = await bridge();
  const legacy = new LegacyWorker(client, "old-1", { slots: 10 });
  await legacy.start();
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "healthy");
  await client.channel.deleteQueue(`${prefix}.tasks.old-1`);
  await cluster.publish("normal", { ...message("homeless"), maxAttempts: 1 });
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "offline");
  await cluster.worker("w-1");
  expect(await cluster.result("homeless")).toMatchObject({
    status: "completed",
    workerId: "w-1",
    attempts: 1,
  });
  expect(legacy.tasks).toHaveLength(0);
  expect(child.output).not.toContain("AMQP link down");
});

test("what lay in the queue of a worker is run by another one after the queue was deleted", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await start(task, {
    BATUTA_WORKER_DRAIN_TIMEOUT: "1s",
  });
  await bridge();
  const legacy = new LegacyWorker(client, "old-1", { slots: 10 });
  await legacy.start();
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "healthy");
  await legacy.stopsTaking();
  await cluster.publish("normal", message("buried"));
  const waiting = async () =>
    (await client.channel.checkQueue(`${prefix}.tasks.old-1`)).messageCount;
  await expect.poll(waiting, LONG).toBe(1);
  await client.channel.deleteQueue(`${prefix}.tasks.old-1`);
  await cluster.worker("w-1");
  expect(await cluster.result("buried")).toMatchObject({ status: "completed", workerId: "w-1" });
  const ofOld = () => cluster.states.bodies.findLast(({ workerId }) => workerId === "old-1")?.to;
  await expect.poll(ofOld, LONG).toBe("offline");
  await legacy.start();
  await expect.poll(ofOld, LONG).toBe("healthy");
});

test("a bridge that stood still until the broker had given it up goes on, and nothing is run twice", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await start(task, { BATUTA_AMQP_HEARTBEAT: "1s" });
  await cluster.worker("w-1");
  const child = await bridge();
  const publish = async (from: number, to: number) => {
    for (let i = from; i < to; i += 1)
      await client.publish("flow.execute.normal", message(`e-${i}`), { messageId: `e-${i}` });
  };
  await publish(0, 100);
  child.kill("SIGSTOP");
  await publish(100, 200);
  // Its consumers are gone: what it had not settled waits again.
  const given = async () =>
    (await client.channel.checkQueue(`${prefix}.flows.normal`)).consumerCount;
  await expect.poll(given, LONG).toBe(0);
  child.kill("SIGCONT");
  const ended = () => new Set(cluster.results.bodies.map(({ executionId }) => executionId)).size;
  await expect.poll(ended, LONG).toBe(200);
  await cluster.drained();
  expect(cluster.results.bodies).toHaveLength(200);
});
