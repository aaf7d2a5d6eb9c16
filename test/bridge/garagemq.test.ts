import { expect, test } from "vitest";
import { NOOP_FLOW } from "../support/cluster.ts";
import { useGarageMq } from "../support/garagemq.ts";
import { useNats } from "../support/nats.ts";
import { join, message } from "./joined.ts";
import { LegacyWorker } from "./legacy-worker.ts";

const nats = useNats();
const garageMq = useGarageMq();
const LONG = { timeout: 30_000, interval: 50 };
const CLASSIC = { BATUTA_AMQP_QUEUE_TYPE: "classic" };

test("with a broker of another make flows come in once, and results, replies and dead letters go out", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await join(task, nats, garageMq(), CLASSIC);
  const { channel } = client;
  const child = await bridge();
  await cluster.worker("w-1");
  const [heard, replyTo] = [`${prefix}.heard`, `${prefix}.answers`];
  await channel.assertQueue(heard);
  await channel.bindQueue(heard, `${prefix}.events`, "flow.#");
  await channel.assertQueue(replyTo);
  const [events, replies] = [await client.heard(heard), await client.heard(replyTo)];
  const dead = await client.heard(`${prefix}.dead`);
  for (const lane of ["high", "normal", "low"])
    for (let time = 0; time < 2; time += 1)
      await client.publish(`flow.execute.${lane}`, message(lane), { messageId: lane, replyTo });
  await client.publish("flow.execute.high", "no json");
  await expect.poll(() => events.length, LONG).toBe(3);
  await expect.poll(() => dead.length, LONG).toBe(1);
  expect(events.map(({ routingKey }) => routingKey).sort()).toEqual([
    "flow.completed.high",
    "flow.completed.low",
    "flow.completed.normal",
  ]);
  expect(dead[0]?.headers["x-batuta-reason"]).toBe("invalid_json");
  await expect.poll(() => replies.length, LONG).toBeGreaterThanOrEqual(3);
  expect(cluster.results.bodies).toHaveLength(3);
  expect(child.output).not.toContain("AMQP link down");
});

test("with a broker of another make a worker that speaks AMQP is given work", async ({ task }) => {
  const { cluster, client, bridge } = await join(task, nats, garageMq(), CLASSIC);
  await bridge();
  const worker = new LegacyWorker(client, "old-1", { nodeTypes: ["old"], queueType: "classic" });
  await worker.start();
  await cluster.states.first(({ workerId, to }) => workerId === "old-1" && to === "healthy");
  const flowData = { ...NOOP_FLOW, nodes: [{ id: "only", type: "old" }] };
  await client.publish("flow.execute.high", message("by-theirs", { flowData }));
  expect(await cluster.result("by-theirs")).toMatchObject({
    status: "completed",
    workerId: "old-1",
  });
});
