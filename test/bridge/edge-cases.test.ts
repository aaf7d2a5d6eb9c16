import { expect, type TestContext, test } from "vitest";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
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
import { LegacyWorker } from "./legacy-worker.ts";

const nats = useNats();
const rabbit = useRabbit();
const LONG = { timeout: 60_000, interval: 50 };
const RUNNING = /"direction":"in"[^\n]*AMQP link running/;

/** A fleet with a bridge that has these settings, and a client on the other side. */
async function start(
  task: TestContext["task"],
  settings: Readonly<Record<string, string>> = {},
  server: Pick<TestNats, "url"> = nats,
) {
  const joined = await join(task, server, rabbit(), settings);
  await joined.cluster.worker("w-1");
  return { ...joined, bridge: await joined.bridge() };
}

test("an execution that is asked for again under another message id, long after it ended, is answered and not run again", async ({
  task,
}) => {
  const { cluster, client } = await start(task);
  const { queue: replyTo } = await client.channel.assertQueue("", { exclusive: true });
  const replies = await client.heard(replyTo);
  const ask = (messageId: string) =>
    client.publish("flow.execute.normal", message("once"), { messageId, replyTo });
  await ask("first");
  await expect.poll(() => replies.length).toBe(1);
  await ask("second");
  await expect.poll(() => replies.length).toBe(2);
  const [first, second] = replies.map(({ text }) => JSON.parse(text));
  expect(second).toEqual(first);
  await cluster.drained();
  const ended = cluster.results.bodies.filter(({ executionId }) => executionId === "once");
  expect(ended).toHaveLength(1);
});

test("direct reply-to brings the result, and one whose asker is gone leaves nothing behind", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await start(task);
  const replyTo = "amq.rabbitmq.reply-to";
  const replies = await client.heard(replyTo);
  await client.publish("flow.execute.normal", message("heard"), { replyTo, correlationId: "c-1" });
  await expect.poll(() => replies.length).toBe(1);
  expect(replies[0]?.properties.correlationId).toBe("c-1");
  expect(JSON.parse(replies[0]?.text ?? "")).toMatchObject({ executionId: "heard" });

  const gone = await LegacyClient.open(rabbit().url, prefix);
  await gone.heard(replyTo);
  await gone.publish("flow.execute.normal", message("unheard", { flowData: slowFlow(500) }), {
    replyTo,
  });
  await gone.close();
  expect((await cluster.result("unheard")).status).toBe("completed");
  // The bridge goes on, over the same channels.
  await client.publish("flow.execute.normal", message("after"), { replyTo });
  await expect.poll(() => replies.length).toBe(2);
  expect(await client.waiting(`${prefix}.dead`)).toBe(0);
  expect(bridge.output).not.toContain("AMQP link down");
});

if (hasPrivateNats())
  test(
    "while NATS is away nothing counts as a failed delivery: a queue that drops after one loses nothing",
    LONG,
    async ({ task }) => {
      const server = await startPrivateNats({
        restart: { maxRestarts: 5, withinMs: 60_000, firstDelayMs: 4_000, maxDelayMs: 4_000 },
      });
      const { cluster, bridge, client, prefix } = await start(task, {}, server);
      const pattern = `^${prefix}\\.flows\\.`;
      const limit = '{"delivery-limit":1}';
      await rabbit().control("set_policy", prefix, pattern, limit, "--apply-to", "queues");
      process.kill(server.pid as number, "SIGKILL");
      for (let i = 0; i < 20; i += 1)
        await client.publish("flow.execute.high", message(`kept-${i}`), { messageId: `kept-${i}` });
      await bridge.says(/AMQP link waits/);
      const ended = () => new Set(cluster.results.bodies.map((each) => each.executionId)).size;
      await expect.poll(ended, LONG).toBe(20);
      await rabbit().control("clear_policy", prefix);
    },
  );

test("a flow that expires while nobody takes it from its lane is never run, and is with the dead, as it came", async ({
  task,
}) => {
  const { cluster, client, prefix } = await start(task);
  const dead = await client.heard(`${prefix}.dead`);
  cluster.firstOrchestrator.kill("SIGKILL");
  await cluster.firstOrchestrator.exited();
  const { nc, names } = cluster.bus;
  const stored = nc.subscribe(names.execute("normal"), { max: 1 });
  await nc.flush();
  const text = `{ "flowId":"noop", "executionId":"late", "flowData":${JSON.stringify(NOOP_FLOW)} }`;
  await client.publish("flow.execute.normal", text, { expiration: "1000", type: "Old" });
  const { value: came } = await stored[Symbol.asyncIterator]().next();
  expect(came?.string()).toBe(text);
  expect(came?.headers?.get("Batuta-Type")).toBe("Old");
  const deadline = Number(came?.headers?.get("Batuta-Deadline"));
  await expect.poll(() => Date.now()).toBeGreaterThan(deadline);
  await cluster.orchestrator();
  expect(await cluster.result("late")).toMatchObject({ status: "failed", reason: "expired" });
  await expect.poll(() => dead.length).toBe(1);
  expect(dead[0]).toMatchObject({ headers: { "x-batuta-reason": "expired" } });
  expect(JSON.parse(dead[0]?.text ?? "")).toEqual(JSON.parse(text));
});

test("a client that declares a queue in another way is refused, and the bridge goes on", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await start(task);
  const other = await LegacyClient.open(rabbit().url, prefix);
  const queue = `${prefix}.flows.normal`;
  await expect(other.channel.assertQueue(queue, { durable: false })).rejects.toThrow(/406/);
  const same = { durable: true, arguments: { "x-queue-type": "quorum" } };
  await client.channel.assertQueue(queue, same);
  await client.publish("flow.execute.normal", message("after"));
  expect((await cluster.result("after")).status).toBe("completed");
  expect(bridge.output).not.toContain("AMQP link down");
});

test("with classic queues everything works as well, workers included", async ({ task }) => {
  const { cluster, client } = await start(task, { BATUTA_AMQP_QUEUE_TYPE: "classic" });
  const events = await client.events("flow.#");
  const worker = new LegacyWorker(client, "old-1", {
    nodeTypes: ["noop", "old"],
    queueType: "classic",
  });
  await worker.start();
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "healthy");
  await client.publish("flow.execute.low", message("by-ours"));
  const old = { ...NOOP_FLOW, nodes: [{ id: "only", type: "old" }] };
  await client.publish("flow.execute.high", message("by-theirs", { flowData: old }));
  expect(await cluster.result("by-theirs")).toMatchObject({ workerId: "old-1" });
  await expect.poll(() => events.length).toBe(2);
});

test("a bridge that may declare nothing waits until all is there, and says what is not", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const amqp = { BATUTA_AMQP_URL: rabbit().url, BATUTA_AMQP_PREFIX: prefix };
  const cluster = await Cluster.start(task, nats, amqp);
  const passive = cluster.child(["bridge"], { BATUTA_AMQP_TOPOLOGY: "passive" });
  await passive.says(/AMQP link down/);
  await passive.says(new RegExp(`no exchange '${prefix}'`));
  const declaring = cluster.child(["bridge"]);
  await declaring.says(RUNNING);
  await passive.says(RUNNING);
});

test("a vhost that is not there is one clear line without the password, and is tried again", async ({
  task,
}) => {
  const url = `${rabbit().url}/nowhere`;
  const cluster = await Cluster.start(task, nats, { BATUTA_AMQP_URL: url });
  const bridge = cluster.child(["bridge"]);
  await bridge.says(/AMQP link down/);
  const line = bridge.output.split("\n").find((each) => each.includes("AMQP link down"));
  expect(line).toMatch(/nowhere/);
  expect(bridge.output).not.toContain("guest:guest");
  await bridge.says(/AMQP link down[\s\S]*AMQP link down[\s\S]*AMQP link down/);
});

test("headers of any kind harm nobody: what fits and can be told comes along", async ({ task }) => {
  const { cluster, client } = await start(task);
  const { nc, names } = cluster.bus;
  const stored = nc.subscribe(names.execute("normal"), { max: 1 });
  await nc.flush();
  await client.publish("flow.execute.normal", message("odd"), {
    messageId: "odd",
    headers: {
      tenant: "ada",
      count: 3,
      nested: { deep: { deeper: [1, { x: "y" }] } },
      bytes: Buffer.from([0, 255, 13, 10]),
      nothing: null,
      "Nats-Expected-Stream": "other",
      "two\r\nlines: x": "a\r\nNats-Msg-Id: forged",
      long: "x".repeat(20_000),
    },
  });
  const { value: came } = await stored[Symbol.asyncIterator]().next();
  const headers = Object.fromEntries(came?.headers ?? []);
  expect(headers).toMatchObject({ "Amqp-H-tenant": ["ada"], "Amqp-H-count": ["3"] });
  expect(headers["Amqp-H-two%0D%0Alines%3A%20x"]).toEqual(["a%0D%0ANats-Msg-Id: forged"]);
  expect(headers["Nats-Msg-Id"]).toEqual(["odd"]);
  expect(headers["Nats-Expected-Stream"]).toBeUndefined();
  expect(JSON.stringify(headers).length).toBeLessThan(16_000);
  expect((await cluster.result("odd")).status).toBe("completed");
});
