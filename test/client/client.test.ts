import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../src/client/client.ts";
import {
  ExecutionFailedError,
  InvalidInputError,
  UnreachableError,
} from "../../src/domain/errors.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const GREET = {
  name: "greet",
  version: 1,
  nodes: [{ id: "greet", type: "set", config: { value: "hola {{ inputs.name }}" } }],
};
const FAIL = {
  name: "fail",
  version: 1,
  nodes: [{ id: "f", type: "fail", config: { code: "NO", message: "no", retryable: false } }],
};

async function clientOf(cluster: Cluster) {
  const client = await connect({ url: nats.url, prefix: cluster.bus.names.prefix });
  onTestFinished(() => client.close());
  return client;
}

test("awaiting a run gives the output of the flow", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const client = await clientOf(cluster);
  expect(await client.run(GREET, { name: "Ada" })).toBe("hola Ada");
});

test("the handle tells the result, the status and the events", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  const client = await clientOf(cluster);
  const execution = client.run(slowFlow(200), {}, { executionId: "h-1", lane: "high" });
  const events = execution.events();
  expect(execution.id).toBe("h-1");
  expect(await execution.status()).toBe("queued");
  await cluster.worker("w1");
  const kinds: string[] = [];
  for await (const event of events) kinds.push(event.kind);
  expect(kinds.slice(0, 3)).toEqual(["accepted", "assigned", "started"]);
  const result = await execution.result();
  expect(result).toMatchObject({
    executionId: "h-1",
    status: "completed",
    lane: "high",
    workerId: "w1",
  });
  expect(await execution.status()).toBe("completed");
});

test("awaiting a failed run rejects with the error of the flow", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const client = await clientOf(cluster);
  const execution = client.run(FAIL);
  await expect(Promise.resolve(execution)).rejects.toThrow(ExecutionFailedError);
  await expect(execution.result()).resolves.toMatchObject({
    status: "failed",
    error: { code: "NO" },
  });
});

test("a running execution is cancelled once and for all", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const client = await clientOf(cluster);
  const execution = client.run(slowFlow(60_000), {}, { executionId: "c-1" });
  await cluster.events.first(({ kind }) => kind === "started");
  expect(await execution.cancel("not needed any more")).toBe(true);
  expect(await execution.result()).toMatchObject({
    status: "cancelled",
    error: { code: "CANCELLED", message: "not needed any more" },
  });
  expect(await execution.cancel()).toBe(true);
  // Its slot is free again.
  expect(await client.run(GREET, { name: "Eva" })).toBe("hola Eva");
  expect(cluster.results.bodies.filter(({ executionId }) => executionId === "c-1")).toHaveLength(1);
});

test("a queued execution is cancelled and never runs", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  const client = await clientOf(cluster);
  const execution = client.run(NOOP_FLOW, {}, { executionId: "c-2" });
  await expect.poll(() => execution.cancel()).toBe(true);
  await cluster.worker("w1");
  expect(await client.run(GREET, { name: "Eva" })).toBe("hola Eva");
  const { jsm, names } = cluster.bus;
  const left = async () =>
    (await jsm.consumers.info(names.streams.flows.normal, "dispatch")).num_ack_pending;
  await expect.poll(left, { timeout: 10_000 }).toBe(0);
  expect(await client.result("c-2")).toMatchObject({ status: "cancelled" });
});

test("an execution that has completed cannot be cancelled", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const client = await clientOf(cluster);
  const execution = client.run(NOOP_FLOW);
  await execution;
  expect(await execution.cancel()).toBe(false);
});

test("running an executionId again gives the result that is there", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const client = await clientOf(cluster);
  const first = await client.run(GREET, { name: "Ada" }, { executionId: "same" }).result();
  const second = await client.run(GREET, { name: "Eva" }, { executionId: "same" }).result();
  expect(second).toEqual(first);
});

test("a flow that does not fit the contract is refused before it is published", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const client = await clientOf(cluster);
  expect(() => client.run({ ...GREET, nodes: [] })).toThrow(InvalidInputError);
  expect(() => client.run(GREET, {}, { executionId: "a.b" })).toThrow(/executionId/);
});

test("changes of workers' states are an iterable", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  const client = await clientOf(cluster);
  const states = client.workerStates("w1");
  await cluster.worker("w1");
  const first = await states.next();
  expect(first.value).toMatchObject({ workerId: "w1", from: null, to: "registering" });
  await states.return?.();
});

test("without a server the error says what to do", async () => {
  const attempt = connect({ url: "nats://127.0.0.1:1", connectTimeoutMs: 1_000 });
  await expect(attempt).rejects.toThrow(UnreachableError);
  await expect(attempt).rejects.toThrow(/batuta nats start/);
});
