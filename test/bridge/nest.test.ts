import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, type TestContext, test } from "vitest";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";
import { LegacyClient } from "./legacy-client.ts";

const nats = useNats();
const rabbit = useRabbit();
const run = promisify(execFile);
const APP = fileURLToPath(new URL("./nest-app.mjs", import.meta.url));

/** A fleet with a bridge, and a way to run the application beside it. */
async function start(task: TestContext["task"]) {
  const { cluster, prefix, bridge } = await join(task, nats, rabbit());
  await bridge();
  const nest = async (how: string, ...args: string[]) => {
    const { stdout } = await run(process.execPath, [APP, how, rabbit().url, ...args]);
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
  };
  return { cluster, nest, prefix };
}

const flow = (executionId: string) => JSON.stringify(message(executionId));

test("what a NestJS client emits runs, by a pattern of text or an object, in the lane of its queue or pattern", async ({
  task,
}) => {
  const { cluster, nest, prefix } = await start(task);
  await cluster.worker("w-1");
  const queue = `${prefix}.flows.low`;
  expect(await nest("emit", queue, "flow.execute", flow("by-text"))).toEqual({ answer: null });
  await nest("emit", queue, '{"cmd":"execute"}', flow("by-object"));
  await nest("emit", queue, "flow.execute.high", flow("by-lane"));
  expect(await cluster.result("by-text")).toMatchObject({ status: "completed", lane: "low" });
  expect(await cluster.result("by-object")).toMatchObject({ status: "completed", lane: "low" });
  expect(await cluster.result("by-lane")).toMatchObject({ status: "completed", lane: "high" });
});

test("a request of a NestJS client, over direct reply-to, is answered as soon as its flow is accepted", async ({
  task,
}) => {
  const { cluster, nest, prefix } = await start(task);
  // No worker is there yet: the answer does not wait for one.
  const told = await nest("send", `${prefix}.flows.normal`, "flow.execute", flow("asked"));
  expect(told).toEqual({ answer: { accepted: true, executionId: "asked" } });
  await cluster.worker("w-1");
  expect((await cluster.result("asked")).status).toBe("completed");
});

test("a request of a NestJS client that cannot become a flow is refused with the reason, and kept with the dead", async ({
  task,
}) => {
  const { nest, prefix } = await start(task);
  const client = await LegacyClient.open(rabbit().url, prefix);
  const dead = await client.heard(`${prefix}.dead`);
  const queue = `${prefix}.flows.normal`;
  expect(await nest("send", queue, "flow.fly", flow("lost"))).toMatchObject({
    error: { code: "unknown_pattern" },
  });
  expect(await nest("send", queue, "flow.execute", '{"executionId":"x"}')).toMatchObject({
    error: { code: "schema", message: expect.stringContaining("flowId") },
  });
  await expect.poll(() => dead.length).toBe(2);
  expect(dead.map(({ headers }) => headers["x-batuta-reason"])).toEqual([
    "unknown_pattern",
    "schema",
  ]);
});

test("a NestJS worker gets its tasks wrapped, as it asked for, and what it reports counts", async ({
  task,
}) => {
  const { cluster, nest, prefix } = await start(task);
  const working = nest("work", prefix, "nest-1");
  await cluster.states.first(({ workerId, to }) => workerId === "nest-1" && to === "healthy");
  await cluster.publish("normal", message("e-1"));
  expect(await working).toMatchObject({
    taskId: "e-1.1",
    assignedTo: "nest-1",
    priority: "normal",
  });
  expect(await cluster.result("e-1")).toMatchObject({
    status: "completed",
    workerId: "nest-1",
    output: { by: "nest" },
  });
});
