import { expect, test } from "vitest";
import { NOOP_FLOW } from "../support/cluster.ts";
import { useGarageMq } from "../support/garagemq.ts";
import { useNats } from "../support/nats.ts";
import { join, message } from "./joined.ts";
import { LegacyWorker } from "./legacy-worker.ts";

const nats = useNats();
const garageMq = useGarageMq();
const LONG = { timeout: 30_000, interval: 50 };
/** It loses a confirm now and then: what it has not confirmed is published again. */
const SETTINGS = { BATUTA_AMQP_QUEUE_TYPE: "classic", BATUTA_AMQP_CONFIRM_TIMEOUT: "2s" };
const TRUSTING = { isTrusting: true };

test("with a broker of another make flows come in once, and results, replies and dead letters go out", async ({
  task,
}) => {
  const { cluster, client, prefix, bridge } = await join(
    task,
    nats,
    garageMq(),
    SETTINGS,
    TRUSTING,
  );
  const { channel } = client;
  await bridge();
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
  const keys = () => [...new Set(events.map(({ routingKey }) => routingKey))].sort();
  const all = ["high", "low", "normal"].map((lane) => `flow.completed.${lane}`);
  await expect.poll(keys, LONG).toEqual(all);
  await expect.poll(() => dead.length, LONG).toBeGreaterThan(0);
  expect(dead[0]?.headers["x-batuta-reason"]).toBe("invalid_json");
  const answered = () => new Set(replies.map(({ text }) => JSON.parse(text).executionId));
  await expect.poll(answered, LONG).toEqual(new Set(["high", "normal", "low"]));
  expect(cluster.results.bodies).toHaveLength(3);
});

test("with a broker of another make a worker that speaks AMQP is given work", async ({ task }) => {
  const { cluster, client, bridge } = await join(task, nats, garageMq(), SETTINGS, TRUSTING);
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
