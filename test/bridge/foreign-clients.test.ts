import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { beforeAll, beforeEach, expect, type TestContext, test } from "vitest";
import { INSTALL_MS, installOnce } from "../../scripts/debian.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { testPrefix, useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";

const nats = useNats();
const rabbit = useRabbit();
const run = promisify(execFile);
const example = (name: string) => fileURLToPath(new URL(`../../examples/${name}`, import.meta.url));
const BUNNY = fileURLToPath(new URL("./bunny-client.rb", import.meta.url));
/** Debian's, for which its pika and its bunny are. */
const [PYTHON, RUBY] = ["/usr/bin/python3", "/usr/bin/ruby"] as const;

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
  const prefix = testPrefix(task);
  const amqp = { BATUTA_AMQP_URL: rabbit().url, BATUTA_AMQP_PREFIX: prefix };
  const cluster = await Cluster.start(task, nats, amqp);
  const bridge = cluster.child(["bridge"]);
  await bridge.says(/"direction":"in"[^\n]*AMQP link running/);
  const pika = async (name: string, ...args: string[]) => {
    const env = { ...process.env, ...amqp };
    const { stdout } = await run(PYTHON, [example(name), ...args], { env });
    return JSON.parse(stdout);
  };
  const bunny = async (how: string, id: string) => {
    const { stdout } = await run(RUBY, [BUNNY, how, rabbit().url, prefix, id]);
    return JSON.parse(stdout);
  };
  return { cluster, pika, bunny };
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
  await cluster.publish("normal", { flowId: "noop", executionId: "e-1", flowData: NOOP_FLOW });
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
  await cluster.publish("normal", { flowId: "noop", executionId: "e-1", flowData: NOOP_FLOW });
  expect(await working).toMatchObject({ taskId: "e-1.1", assignedTo: "rb-worker" });
  expect(await cluster.result("e-1")).toMatchObject({
    status: "completed",
    workerId: "rb-worker",
    output: { by: "ruby" },
  });
});
