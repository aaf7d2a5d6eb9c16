import { expect, type TestContext, test } from "vitest";
import type { AmqpTask } from "../../src/messages/amqp-worker.ts";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";
import { LegacyWorker } from "./legacy-worker.ts";

const nats = useNats();
const rabbit = useRabbit();
const LONG = { timeout: 30_000, interval: 50 };
const LANE = "flow.execute.normal";

async function start(task: TestContext["task"]) {
  const joined = await join(task, nats, rabbit());
  return { ...joined, bridge: await joined.bridge() };
}

test("a message that comes again when the stream has forgotten its id is not given to a worker again", async ({
  task,
}) => {
  const { cluster, client } = await start(task);
  const tasks: AmqpTask[] = [];
  const work = (given: AmqpTask) => {
    tasks.push(given);
    return { status: "completed" };
  };
  await new LegacyWorker(client, "old-1", { work }).start();
  const { jsm, names } = cluster.bus;
  const lane = names.streams.flows.normal;
  // A tenth of a second in place of two minutes.
  await jsm.streams.update(lane, { duplicate_window: 100_000_000 });
  const ask = () => client.publish(LANE, message("once"), { messageId: "once" });
  await ask();
  await cluster.result("once");
  const stored = async () => {
    await ask();
    return (await jsm.streams.info(lane)).state.last_seq;
  };
  await expect.poll(stored, LONG).toBeGreaterThan(1);
  await cluster.drained();
  expect(tasks).toHaveLength(1);
  expect(cluster.results.bodies).toHaveLength(1);
});

test("a header of whatever name keeps no flow from being run", async ({ task }) => {
  const { cluster, bridge, client } = await start(task);
  await cluster.worker("w-1");
  const names = ["two words", "a:b", "ключ", "line\r\nbreak", "__proto__", "Nats-Rollup", ""];
  for (const [index, name] of names.entries())
    await client.publish(LANE, message(`named-${index}`), {
      headers: Object.fromEntries([[name, "x"]]),
    });
  for (const index of names.keys())
    expect((await cluster.result(`named-${index}`)).status).toBe("completed");
  expect(bridge.output).not.toContain("AMQP link down");
});

test("headers and properties that are read and are of another kind count as not there", async ({
  task,
}) => {
  const { cluster, bridge, client } = await start(task);
  await cluster.worker("w-1");
  const odd = [1, true, null, { a: { b: [1] } }, Buffer.from([0, 255]), "x".repeat(14_000)];
  for (const [index, value] of odd.entries())
    await client.publish(LANE, message(`odd-${index}`), {
      headers: { "x-message-id": value, traceparent: value, "x-death": value, other: value },
      timestamp: 0xffff_ffff_ffff,
      appId: "\r\nNats-Msg-Id: forged",
      type: "\u0000",
    });
  for (const index of odd.keys())
    expect((await cluster.result(`odd-${index}`)).status).toBe("completed");
  expect(bridge.output).not.toContain("AMQP link down");
});

test("whoever names a queue that is not there, or one of ours, harms nobody", async ({ task }) => {
  const { cluster, bridge, client, prefix } = await start(task);
  await cluster.worker("w-1");
  const places = [
    "nowhere",
    "amq.rabbitmq.reply-to.forged",
    `${prefix}.flows.high`,
    `${prefix}.results`,
    "ö".repeat(127),
  ];
  for (const [index, replyTo] of places.entries())
    await client.publish(LANE, message(`to-${index}`), { replyTo, correlationId: "ö".repeat(127) });
  for (const index of places.keys()) await cluster.result(`to-${index}`);
  // What came to the two queues of ours is no flow, and no result of a task.
  await expect.poll(() => client.waiting(`${prefix}.dead`), LONG).toBe(2);
  await client.publish(LANE, message("after"));
  expect((await cluster.result("after")).status).toBe("completed");
  expect(bridge.output).not.toContain("AMQP link down");
});

test("a request of NestJS with an id of any length is answered", async ({ task }) => {
  const { client, prefix } = await start(task);
  const { queue: replyTo } = await client.channel.assertQueue("", { exclusive: true });
  const answers = await client.heard(replyTo);
  const id = "i".repeat(300);
  const request = { pattern: "flow.execute", data: message("long"), id };
  await client.send(`${prefix}.flows.normal`, request, { replyTo, correlationId: "c-1" });
  await expect.poll(() => answers.length).toBe(1);
  expect(JSON.parse(answers[0]?.text ?? "")).toMatchObject({ id, response: { accepted: true } });
});

test("the queue says which lane a flow is in, whatever its priority is", async ({ task }) => {
  const { cluster, client, prefix } = await start(task);
  await cluster.worker("w-1");
  await client.publish("flow.execute.low", message("by-key"), { priority: 9 });
  await client.send(`${prefix}.flows.high`, message("by-queue"), { priority: 0 });
  expect((await cluster.result("by-key")).lane).toBe("low");
  expect((await cluster.result("by-queue")).lane).toBe("high");
});

test("bytes that are no text, or nested without an end, are with the dead as they came", async ({
  task,
}) => {
  const { client, prefix } = await start(task);
  const dead = await client.heard(`${prefix}.dead`);
  const bodies = [Buffer.from([0xff, 0xfe, 0x7b]), Buffer.from("[".repeat(200_000))];
  for (const body of bodies) client.channel.publish(prefix, LANE, body);
  await expect.poll(() => dead.length, LONG).toBe(2);
  expect(dead.map(({ text }) => text).sort()).toEqual(bodies.map(String).sort());
  for (const { headers } of dead) expect(headers["x-batuta-reason"]).toBe("invalid_json");
});
