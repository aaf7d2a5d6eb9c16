import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, beforeEach, expect, type TestContext, test } from "vitest";
import { INSTALL_MS, installOnce } from "../../scripts/debian.ts";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";

const nats = useNats();
const rabbit = useRabbit({ withManagement: true });
const run = promisify(execFile);
const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const BUNNY = fileURLToPath(new URL("./bunny-client.rb", import.meta.url));
/** Debian's, for which its pika and its bunny are. */
const [PYTHON, RUBY] = ["/usr/bin/python3", "/usr/bin/ruby"] as const;
/** Comes with the broker. */
const ADMIN = "/usr/bin/rabbitmqadmin";

let missing = "";
beforeAll(async () => {
  const has = (program: string, ...args: string[]) =>
    run(program, args).then(
      () => true,
      () => false,
    );
  try {
    if (!(await has(PYTHON, "-c", "import pika"))) await installOnce(["python3-pika"], () => false);
    if (!(await has(RUBY, "-e", "require 'bunny'"))) await installOnce(["ruby-bunny"], () => false);
  } catch (error) {
    if (process.env.CI) throw error;
    missing = `there is no pika or no bunny: ${(error as Error).message}`;
    process.stderr.write(`!!! TESTS OF FOREIGN CLIENTS ARE SKIPPED: ${missing}\n`);
  }
}, INSTALL_MS);
beforeEach((context) => {
  if (missing !== "") context.skip(missing);
});

async function start(task: TestContext["task"]) {
  const { cluster, prefix, amqp, bridge } = await join(task, nats, rabbit());
  await bridge();
  const pika = async (name: string, ...args: string[]) => {
    const env = { ...process.env, ...amqp };
    const { stdout } = await run(PYTHON, [example(name), ...args], { env });
    return JSON.parse(stdout);
  };
  const bunny = async (how: string, id: string) => {
    const { stdout } = await run(RUBY, [BUNNY, how, rabbit().url, prefix, id]);
    return JSON.parse(stdout);
  };
  /** The operator's tool, which speaks to the management API. */
  const admin = async (...args: string[]) => {
    const at = ["-H", new URL(rabbit().url).hostname, "-P", `${rabbit().managementPort}`];
    const { username, password } = new URL(rabbit().url);
    const login = ["-u", username, "-p", password];
    const { stdout } = await run(ADMIN, [...at, ...login, "-f", "raw_json", ...args]);
    return stdout;
  };
  return { cluster, prefix, pika, bunny, admin };
}

test("a producer in Python, with confirms, gets the result of its flow on its own queue", async ({
  task,
}) => {
  const { cluster, pika } = await start(task);
  await cluster.worker("w-1");
  const told = await pika("08-amqp-producer.py", "py-1");
  expect(told).toMatchObject({
    correlation: "py-1",
    result: { executionId: "py-1", status: "completed", workerId: "w-1" },
  });
});

test("a worker in Python runs a flow that was published on NATS", async ({ task }) => {
  const { cluster, pika } = await start(task);
  const working = pika("09-amqp-worker.py", "py-worker", "1");
  await cluster.states.first(({ workerId, to }) => workerId === "py-worker" && to === "healthy");
  await cluster.publish("normal", message("e-1"));
  expect(await working).toMatchObject({ taskId: "e-1.1", assignedTo: "py-worker" });
  expect(await cluster.result("e-1")).toMatchObject({
    status: "completed",
    workerId: "py-worker",
    output: { by: "python" },
  });
});

test("a producer in Ruby, with confirms, gets the result of its flow on its own queue", async ({
  task,
}) => {
  const { cluster, bunny } = await start(task);
  await cluster.worker("w-1");
  expect(await bunny("submit", "rb-1")).toMatchObject({
    correlation: "rb-1",
    result: { executionId: "rb-1", status: "completed", lane: "high", workerId: "w-1" },
  });
});

test("a worker in Ruby, which acknowledges what it has done, runs a flow that was published on NATS", async ({
  task,
}) => {
  const { cluster, bunny } = await start(task);
  const working = bunny("work", "rb-worker");
  await cluster.states.first(({ workerId, to }) => workerId === "rb-worker" && to === "healthy");
  await cluster.publish("normal", message("e-1"));
  expect(await working).toMatchObject({ taskId: "e-1.1", assignedTo: "rb-worker" });
  expect(await cluster.result("e-1")).toMatchObject({
    status: "completed",
    workerId: "rb-worker",
    output: { by: "ruby" },
  });
});

test("an operator publishes a flow with rabbitmqadmin, and looks at what nobody could read", async ({
  task,
}) => {
  const { cluster, prefix, admin } = await start(task);
  await cluster.worker("w-1");
  const publish = (payload: string, properties: object) =>
    admin(
      "publish",
      `exchange=${prefix}`,
      "routing_key=flow.execute.high",
      `properties=${JSON.stringify({ delivery_mode: 2, content_type: "application/json", ...properties })}`,
      `payload=${payload}`,
    );
  const flow = JSON.stringify(message("adm-1"));
  expect(await publish(flow, { message_id: "adm-1", priority: 9 })).toBe("Message published\n");
  expect(await cluster.result("adm-1")).toMatchObject({ status: "completed", lane: "high" });
  await publish("{", { message_id: "adm-2" });
  const dead = async () =>
    JSON.parse(await admin("get", `queue=${prefix}.dead`, "ackmode=ack_requeue_true", "count=10"));
  await expect.poll(async () => (await dead()).length).toBe(1);
  const [letter] = await dead();
  expect(letter).toMatchObject({
    payload: "{",
    properties: { headers: { "x-batuta-reason": "invalid_json" } },
  });
});
