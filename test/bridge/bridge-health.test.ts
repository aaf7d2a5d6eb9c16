import { expect, test } from "vitest";
import { Cluster } from "../support/cluster.ts";
import { testPrefix, useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { message } from "./joined.ts";
import { LegacyClient } from "./legacy-client.ts";

const nats = useNats();
const rabbit = useRabbit();

test("a bridge tells whether it is ready, how it is and what it has done, and the doctor says the same", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const amqp = { BATUTA_AMQP_URL: rabbit().url, BATUTA_AMQP_PREFIX: prefix };
  const cluster = await Cluster.start(task, nats, amqp);
  const doctor = async () => {
    const child = cluster.child(["doctor", "-o", "jsonl"]);
    const code = await child.exited();
    return { code, output: child.output };
  };
  const before = await doctor();
  expect(before.code).toBe(0);
  expect(before.output).toMatch(/"check":"amqp topology","verdict":"warn"/);

  const bridge = cluster.child(["bridge"], { BATUTA_AMQP_HTTP_PORT: "0" });
  await bridge.says(/"httpUrl":"http/);
  const url = /"httpUrl":"([^"]+)"/.exec(bridge.output)?.[1];
  await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
  expect((await fetch(`${url}/livez`)).status).toBe(200);

  const client = await LegacyClient.open(rabbit().url, prefix);
  const flow = message("e-1");
  await client.publish("flow.execute.normal", flow, { messageId: "e-1" });
  await client.publish("flow.execute.normal", flow, { messageId: "e-1" });
  await client.publish("flow.execute.normal", "no json");
  const health = async () => (await fetch(`${url}/bridge/health`)).json();
  const counts = { accepted: 1, duplicate: 1, invalid_json: 1 };
  await expect.poll(health).toMatchObject({ status: "healthy", counts });
  expect(await health()).toMatchObject({
    ready: true,
    nats: { connected: true },
    links: { in: { state: "running.flowing" }, out: { state: "running.flowing" } },
    unsettled: 0,
    workers: [],
  });
  expect(JSON.stringify(await health())).not.toContain("guest");

  const answer = await fetch(`${url}/metrics`);
  expect(answer.headers.get("content-type")).toMatch(/^text\/plain; version=0\.0\.4/);
  const figures = await answer.text();
  for (const line of [
    /^batuta_amqp_received_total\{outcome="accepted"\} 1$/m,
    /^batuta_amqp_received_total\{outcome="duplicate"\} 1$/m,
    /^batuta_amqp_published_total\{type="[^"]+",outcome="confirmed"\} 1$/m,
    /^batuta_amqp_link_state\{direction="in",state="running\.flowing"\} 1$/m,
    /^batuta_amqp_accept_seconds_count 3$/m,
  ])
    expect(figures).toMatch(line);

  const after = await doctor();
  expect(after.code).toBe(0);
  expect(after.output).toMatch(/"check":"amqp topology","verdict":"ok"/);
  expect(after.output).toMatch(/"check":"amqp bridge","verdict":"ok"/);
  expect(after.output).toMatch(/"check":"amqp dead letters","verdict":"warn"/);

  bridge.kill("SIGTERM");
  await bridge.exited();
  const without = await doctor();
  expect(without.output).toMatch(/"check":"amqp bridge","verdict":"warn"/);
});

test("a bridge that cannot reach its broker is alive and not ready, and says why", async ({
  task,
}) => {
  const url = "amqp://guest:S3cret@127.0.0.1:1";
  const cluster = await Cluster.start(task, nats, { BATUTA_AMQP_URL: url });
  const bridge = cluster.child(["bridge"], { BATUTA_AMQP_HTTP_PORT: "0" });
  await bridge.says(/"httpUrl":"http/);
  const base = /"httpUrl":"([^"]+)"/.exec(bridge.output)?.[1];
  expect((await fetch(`${base}/livez`)).status).toBe(200);
  await expect
    .poll(async () => (await fetch(`${base}/readyz`)).json())
    .toMatchObject({ ready: false, links: { in: { reason: /ECONNREFUSED/ } } });
  expect((await fetch(`${base}/readyz`)).status).toBe(503);
  const doctor = cluster.child(["doctor"]);
  expect(await doctor.exited()).toBe(3);
  expect(doctor.output).toMatch(/FAIL\s+amqp\s+amqp:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
  expect(`${doctor.output}${bridge.output}`).not.toContain("S3cret");
});

test("batuta dev --amqp joins a broker as well: its flows are run, and it stops with the rest", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const cluster = await Cluster.start(task, nats, {}, { isEmpty: true });
  const args = ["dev", "--workers", "1", "-o", "json", "--amqp", rabbit().url];
  const dev = cluster.child(args, { BATUTA_AMQP_PREFIX: prefix });
  await dev.says(/"ready": true/);
  expect(dev.output).toContain(`flows from the queues ${prefix}.flows.<lane>`);
  expect(dev.output).not.toContain("guest:guest");
  const taken = () => rabbit().control("list_consumers", "queue_name");
  await expect.poll(taken).toContain(`${prefix}.flows.normal`);
  const client = await LegacyClient.open(rabbit().url, prefix);
  const { queue: replyTo } = await client.channel.assertQueue("", { exclusive: true });
  const replies = await client.heard(replyTo);
  const flow = message("e-1");
  await client.publish("flow.execute.normal", flow, { replyTo });
  await expect.poll(() => replies.length).toBe(1);
  expect(JSON.parse(replies[0]?.text ?? "")).toMatchObject({ status: "completed" });
  dev.kill("SIGTERM");
  expect(await dev.exited()).toBe(0);
});
