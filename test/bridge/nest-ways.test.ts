import { fileURLToPath } from "node:url";
import { expect, onTestFailed, onTestFinished, type TestContext, test } from "vitest";
import { Child } from "../support/child.ts";
import { NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";

const nats = useNats();
const rabbit = useRabbit();
const program = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Call {
  readonly how: "send";
  readonly pattern: string | object;
  readonly data: unknown;
  /** Properties of the message, by its RmqRecordBuilder. */
  readonly options?: object;
}

/** A fleet with a bridge, and programs of NestJS that know nothing of either. */
async function start(task: TestContext["task"]) {
  const joined = await join(task, nats, rabbit());
  const { cluster, amqp } = joined;
  const bridge = await joined.bridge();
  const nest = (name: string, ...args: string[]) => {
    const child = new Child(args, amqp, [], program(name));
    onTestFinished(() => child[Symbol.asyncDispose]());
    onTestFailed(() => void process.stderr.write(`${name} said:\n${child.output}\n`));
    return child;
  };
  /** What came of each call. */
  const produce = async (calls: readonly Call[], kind = "queue") => {
    const child = nest("nest-producer.mjs", JSON.stringify(calls), kind);
    expect(await child.exited(), child.output).toBe(0);
    return linesOf(child);
  };
  return { cluster, bridge, nest, produce };
}

function linesOf({ output }: Child): unknown[] {
  const lines = output.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line));
}

test("properties that its record builder sets count: a message id once, a header on its way through", async ({
  task,
}) => {
  const { cluster, produce } = await start(task);
  await cluster.worker("w-1");
  const { execute, streams } = cluster.bus.names;
  const stored = cluster.bus.nc.subscribe(execute("normal"), { max: 1 });
  const options = { messageId: "m-1", expiration: "60000", headers: { "x-tenant": "Ærø" } };
  const call: Call = { how: "send", pattern: "flow.execute", data: message("once"), options };
  const answer = { value: { accepted: true, executionId: "once" } };
  expect(await produce([call, call])).toEqual([answer, answer]);
  for await (const seen of stored) {
    expect(seen.headers?.get("Nats-Msg-Id")).toBe("m-1");
    expect(seen.headers?.get("Amqp-H-x-tenant")).toBe("%C3%86r%C3%B8");
    expect(Number(seen.headers?.get("Batuta-Deadline"))).toBeGreaterThan(Date.now());
  }
  expect((await cluster.result("once")).status).toBe("completed");
  const { state } = await cluster.bus.jsm.streams.info(streams.flows.normal);
  expect(state.last_seq).toBe(1);
});

test("one that takes the queue as it is, and one that publishes by pattern over the exchange, are served", async ({
  task,
}) => {
  const { cluster, produce } = await start(task);
  await cluster.worker("w-1");
  const call = (pattern: string, id: string): Call => ({
    how: "send",
    pattern,
    data: message(id),
  });
  const accepted = (executionId: string) => [{ value: { accepted: true, executionId } }];
  expect(await produce([call("flow.execute", "as-is")], "noAssert")).toEqual(accepted("as-is"));
  const byPattern = await produce([call("flow.execute.low", "by-key")], "exchange");
  expect(byPattern).toEqual(accepted("by-key"));
  expect((await cluster.result("as-is")).status).toBe("completed");
  expect(await cluster.result("by-key")).toMatchObject({ status: "completed", lane: "low" });
});

test("a request by an object as its pattern is answered like any other", async ({ task }) => {
  const { cluster, produce } = await start(task);
  const pattern = { cmd: "execute" };
  const said = await produce([{ how: "send", pattern, data: message("by-object") }]);
  expect(said).toEqual([{ value: { accepted: true, executionId: "by-object" } }]);
  await cluster.worker("w-1");
  expect((await cluster.result("by-object")).status).toBe("completed");
});

test("a microservice that acknowledges by hand, with a handler for requests, works through one task after the other", async ({
  task,
}) => {
  const { cluster, bridge, nest } = await start(task);
  const worker = nest("nest-worker.mjs", "nest-1");
  await cluster.states.first(({ workerId, to }) => workerId === "nest-1" && to === "healthy");
  for (const id of ["e-1", "e-2", "e-3"])
    await cluster.publish("normal", message(id, { inputs: { n: 1 } }));
  for (const id of ["e-1", "e-2", "e-3"])
    expect(await cluster.result(id)).toMatchObject({
      status: "completed",
      workerId: "nest-1",
      output: { by: "nest" },
      attempts: 1,
    });
  expect(linesOf(worker)).toHaveLength(3);
  expect(linesOf(worker)).toContainEqual({
    pattern: "task.assign.nest-1",
    task: {
      taskId: "e-1.1",
      executionId: "e-1",
      flowId: "noop",
      attempt: 1,
      priority: "normal",
      flowData: NOOP_FLOW,
      inputs: { n: 1 },
      assignedTo: "nest-1",
    },
  });
  expect(bridge.output).not.toContain("AMQP link down");
});
