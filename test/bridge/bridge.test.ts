import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, type TestContext, test } from "vitest";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import {
  hasPrivateNats,
  startPrivateNats,
  type TestNats,
  testPrefix,
  useNats,
} from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";
import { LegacyClient } from "./legacy-client.ts";

const nats = useNats();
const rabbit = useRabbit();
const run = promisify(execFile);
const LONG = { timeout: 60_000, interval: 50 };

/** A fleet with a bridge to the broker, and a client on the other side. */
async function start(task: TestContext["task"], server: Pick<TestNats, "url"> = nats) {
  const joined = await join(task, server, rabbit());
  await joined.cluster.worker("w-1");
  return { ...joined, bridge: await joined.bridge(), another: joined.bridge };
}

test("flows of every lane are run, and how they ended is told to all who listen", async ({
  task,
}) => {
  const { cluster, client } = await start(task);
  const events = await client.events("flow.#");
  for (const lane of ["high", "normal", "low"])
    await client.publish(`flow.execute.${lane}`, message(`of-${lane}`));
  await expect.poll(() => events.length, LONG).toBe(3);
  expect(events.map(({ routingKey }) => routingKey).sort()).toEqual([
    "flow.completed.of-high",
    "flow.completed.of-low",
    "flow.completed.of-normal",
  ]);
  expect(events[0]?.properties).toMatchObject({
    contentType: "application/json",
    deliveryMode: 2,
    type: "FlowEventMessage",
  });
  expect((await cluster.result("of-low")).lane).toBe("low");
});

test("a client of another make, amqp-publish, is served, and its bytes arrive as they were", async ({
  task,
}) => {
  const { cluster, prefix } = await start(task);
  const stored = cluster.bus.nc.subscribe(cluster.bus.names.execute("high"), { max: 1 });
  const body = `{ "flowId":"noop", "inputs":{"n":12345678901234567890,"é":"✓"},"executionId":"shell-1",
    "flowData":${JSON.stringify(NOOP_FLOW)} }`;
  const to = ["-e", prefix, "-r", "flow.execute.high", "-p", "-C", "application/json"];
  const headers = ["-H", "x-message-id: shell-1", "-H", "traceparent: 00-ab-cd-01"];
  await run("amqp-publish", ["-u", rabbit().url, ...to, ...headers, "-b", body]);
  for await (const seen of stored) {
    expect(seen.string()).toBe(body);
    expect(seen.headers?.get("Nats-Msg-Id")).toBe("shell-1");
    expect(seen.headers?.get("traceparent")).toBe("00-ab-cd-01");
  }
  expect((await cluster.result("shell-1")).status).toBe("completed");
});

test("a message that comes twice is one execution", async ({ task }) => {
  const { cluster, client } = await start(task);
  const events = await client.events("flow.completed.#");
  const options = { messageId: "m-1" };
  for (let i = 0; i < 2; i += 1)
    await client.publish("flow.execute.normal", message("twice"), options);
  await client.publish("flow.execute.normal", message("after"));
  await cluster.result("after");
  await expect.poll(() => events.length, LONG).toBe(2);
  expect(cluster.results.bodies.filter(({ executionId }) => executionId === "twice")).toHaveLength(
    1,
  );
});

test("what cannot be a flow is with the dead, as it came and with the reason, and the lane goes on", async ({
  task,
}) => {
  const { cluster, client, prefix } = await start(task);
  const dead = await client.heard(`${prefix}.dead`);
  const key = "flow.execute.normal";
  await client.publish(key, "{torn");
  await client.publish(key, { executionId: "no-flow" });
  await client.publish(key, message("xml"), { contentType: "application/xml" });
  await client.publish(key, message("big", { inputs: "x".repeat(8_500_000) }));
  await client.send(`${prefix}.flows.normal`, { pattern: "billing.pay", data: { sum: 1 } });
  await client.publish(key, message("well"));
  expect((await cluster.result("well")).status).toBe("completed");
  await expect.poll(() => dead.length, LONG).toBe(5);
  const reasons = Object.fromEntries(
    dead.map(({ headers, text }) => [headers["x-batuta-reason"], text.slice(0, 25)]),
  );
  expect(reasons).toEqual({
    invalid_json: "{torn",
    schema: '{"executionId":"no-flow"}',
    unsupported_content_type: expect.any(String),
    too_large: expect.any(String),
    unknown_pattern: '{"pattern":"billing.pay",',
  });
  expect(dead.find(({ text }) => text.includes("no-flow"))?.headers).toMatchObject({
    "x-batuta-source": `${prefix}.flows.normal`,
    "x-batuta-error": expect.stringContaining("flowId"),
  });
  expect(await client.waiting(`${prefix}.flows.normal`)).toBe(0);
});

test("a request of NestJS is answered at once, an event is run, and one that nobody knows is told so", async ({
  task,
}) => {
  const { cluster, client, prefix } = await start(task);
  const { queue } = await client.channel.assertQueue("", { exclusive: true });
  const answers = await client.heard(queue);
  const lane = `${prefix}.flows.normal`;
  const pattern = { cmd: "execute" };
  const reply = { replyTo: queue, correlationId: "c-1" };
  await client.send(lane, { pattern, data: message("asked"), id: "c-1" }, reply);
  await client.send(lane, { pattern: "flow.execute.high", data: message("told") });
  await client.send(lane, { pattern: "who.knows", data: {}, id: "c-2" }, { replyTo: queue });
  await expect.poll(() => answers.length, LONG).toBe(2);
  const [accepted, refused] = answers.map(({ text }) => JSON.parse(text));
  expect(accepted).toEqual({
    id: "c-1",
    response: { accepted: true, executionId: "asked" },
    isDisposed: true,
  });
  expect(answers[0]?.properties.correlationId).toBe("c-1");
  expect(refused).toMatchObject({ id: "c-2", err: { code: "unknown_pattern" }, isDisposed: true });
  expect((await cluster.result("told")).lane).toBe("high");
  expect((await cluster.result("asked")).status).toBe("completed");
});

test("whoever names a queue gets the result there, also of a flow that brought no id", async ({
  task,
}) => {
  const { client } = await start(task);
  const { queue } = await client.channel.assertQueue("", { exclusive: true });
  const results = await client.heard(queue);
  const { executionId: _, ...nameless } = message("");
  await client.publish("flow.execute.high", message("mine"), {
    replyTo: queue,
    correlationId: "a",
  });
  await client.publish("flow.execute.high", nameless, { replyTo: queue, correlationId: "b" });
  await expect.poll(() => results.length, LONG).toBe(2);
  const byId = Object.fromEntries(
    results.map(({ properties, text }) => [String(properties.correlationId), JSON.parse(text)]),
  );
  expect(byId.a).toMatchObject({ executionId: "mine", status: "completed" });
  expect(byId.b).toMatchObject({ status: "completed" });
});

test("an execution that is given up is with the dead of the broker as well", async ({ task }) => {
  const { client, prefix } = await start(task);
  const dead = await client.heard(`${prefix}.dead`);
  const nodes = [{ id: "f", type: "fail", config: { code: "NO_STOCK" } }];
  const flowData = { name: "broken", version: 1, nodes, connections: [] };
  await client.publish("flow.execute.normal", message("broken", { flowData, maxAttempts: 1 }));
  await expect.poll(() => dead.length, LONG).toBe(1);
  expect(dead[0]).toMatchObject({
    routingKey: "flow.dead.broken",
    headers: { "x-batuta-error": expect.stringContaining("NO_STOCK") },
  });
  expect(JSON.parse(dead[0]?.text ?? "")).toMatchObject({ executionId: "broken" });
});

test("states of workers are told", async ({ task }) => {
  const { cluster, client } = await start(task);
  const events = await client.events("worker.status.w-2.*");
  await cluster.worker("w-2");
  await expect
    .poll(() => events.map(({ routingKey }) => routingKey), LONG)
    .toEqual(["worker.status.w-2.registering", "worker.status.w-2.healthy"]);
});

test("a worker that is gone is told once, as offline and as dead, which is what the old orchestrator called it", async ({
  task,
}) => {
  const { cluster, client } = await start(task);
  const [all, dead] = await Promise.all([
    client.events("worker.status.#"),
    client.events("worker.status.*.dead"),
  ]);
  const worker = await cluster.worker("w-2");
  worker.kill("SIGKILL");
  await expect.poll(() => dead.length, LONG).toBe(1);
  expect(JSON.parse(dead[0]?.text ?? "")).toMatchObject({
    workerId: "w-2",
    to: "offline",
    state: "dead",
    previous: expect.any(String),
    reason: expect.stringMatching(/./),
  });
  await expect.poll(() => all.filter(({ text }) => text.includes('"dead"')).length, LONG).toBe(1);
});

test("the bridge killed -9 amid a stream of flows: each is run once, none is lost", async ({
  task,
}) => {
  const { cluster, bridge, client, another } = await start(task);
  const COUNT = 600;
  const publishing = (async () => {
    for (let i = 0; i < COUNT; i += 1)
      await client.publish("flow.execute.normal", message(`e-${i}`), { messageId: `e-${i}` });
  })();
  await expect.poll(() => cluster.results.bodies.length, LONG).toBeGreaterThan(50);
  bridge.kill("SIGKILL");
  await bridge.exited();
  await another();
  await publishing;
  const ended = () => new Set(cluster.results.bodies.map(({ executionId }) => executionId)).size;
  await expect.poll(ended, LONG).toBe(COUNT);
  await cluster.drained();
  expect(cluster.results.bodies).toHaveLength(COUNT);
});

test("the broker killed -9 and started again: the bridge comes back by itself", async ({
  task,
}) => {
  const { cluster, bridge, client, prefix } = await start(task);
  await client.publish("flow.execute.normal", message("before"));
  await cluster.result("before");
  await rabbit().kill();
  await bridge.says(/AMQP link down/);
  await rabbit().begin();
  const again = await LegacyClient.open(rabbit().url, prefix);
  const { queue } = await again.channel.assertQueue("", { exclusive: true });
  const results = await again.heard(queue);
  await again.publish("flow.execute.normal", message("behind"), { replyTo: queue });
  await expect.poll(() => results.length, LONG).toBe(1);
});

test.skipIf(!hasPrivateNats())(
  "NATS killed -9 for a while: what comes is held, not handed back, and is run afterwards",
  async ({ task }) => {
    const server = await startPrivateNats({
      restart: { maxRestarts: 5, withinMs: 60_000, firstDelayMs: 6_000, maxDelayMs: 6_000 },
    });
    const { cluster, bridge, client, prefix } = await start(task, server);
    const restarted = new Promise<void>((resolve) => server.onRestart(() => resolve()));
    process.kill(server.pid as number, "SIGKILL");
    for (let i = 0; i < 50; i += 1)
      await client.publish("flow.execute.normal", message(`held-${i}`), { messageId: `held-${i}` });
    await bridge.says(/AMQP link waits/);
    await restarted;
    const ended = () => new Set(cluster.results.bodies.map(({ executionId }) => executionId)).size;
    await expect.poll(ended, LONG).toBe(50);
    await expect.poll(() => client.waiting(`${prefix}.flows.normal`), LONG).toBe(0);
    expect(bridge.output).not.toContain("AMQP link down");
  },
);

test("a queue that is deleted under the bridge is there again, and served", async ({ task }) => {
  const { cluster, bridge, client, prefix } = await start(task);
  await client.channel.deleteQueue(`${prefix}.flows.high`);
  await bridge.says(/AMQP link down/);
  // Nobody takes what is published before it is declared again: the broker says so.
  const publish = async () => {
    await client.publish("flow.execute.high", message("later"), { messageId: "later" });
    return cluster.results.bodies.some(({ executionId }) => executionId === "later");
  };
  await expect.poll(publish, LONG).toBe(true);
});

test("a broker that runs out of memory is waited for, and then everything goes out", async ({
  task,
}) => {
  const { cluster, bridge, client } = await start(task);
  const events = await client.events("flow.completed.#");
  await client.publish("flow.execute.normal", message("first"));
  await expect.poll(() => events.length, LONG).toBe(1);
  await rabbit().control("set_vm_memory_high_watermark", "0.000001");
  try {
    // What makes the broker block a connection is that it publishes.
    for (let i = 0; i < 20; i += 1)
      await cluster.publish("normal", {
        flowId: "noop",
        executionId: `n-${i}`,
        flowData: NOOP_FLOW,
      });
    await bridge.says(/"state":"running.blocked"/);
  } finally {
    await rabbit().control("set_vm_memory_high_watermark", "0.4");
  }
  await expect.poll(() => events.length, LONG).toBe(21);
  expect(new Set(events.map(({ properties }) => properties.messageId)).size).toBe(21);
});

test("a bridge that is there before any orchestrator waits for one", async ({ task }) => {
  const { cluster, client, bridge } = await join(task, nats, rabbit(), {}, { isEmpty: true });
  await bridge();
  const events = await client.events("flow.completed.#");
  await client.publish("flow.execute.low", message("early"));
  await cluster.orchestrator();
  await cluster.worker("w-1");
  await expect
    .poll(() => events.map(({ routingKey }) => routingKey), LONG)
    .toEqual(["flow.completed.early"]);
});

test("a wrong password is one clear line without it, and is tried again ever later", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const wrong = rabbit().url.replace("guest:guest", "guest:wr0ng");
  const cluster = await Cluster.start(task, nats, {
    BATUTA_AMQP_URL: wrong,
    BATUTA_AMQP_PREFIX: prefix,
  });
  const bridge = cluster.child(["bridge"]);
  await bridge.says(/AMQP link down/);
  expect(bridge.output).toMatch(/ACCESS.REFUSED/i);
  expect(bridge.output).not.toContain("wr0ng");
  bridge.kill("SIGTERM");
  expect(await bridge.exited()).toBe(0);
});

test("without a broker in its settings it says which one is missing", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  const bridge = cluster.child(["bridge"]);
  expect(await bridge.exited()).toBe(2);
  expect(bridge.output).toContain("BATUTA_AMQP_URL");
});
