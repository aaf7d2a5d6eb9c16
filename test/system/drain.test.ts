import { expect, onTestFinished, test } from "vitest";
import type { DoneMessage } from "../../src/messages/worker.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";
import { Recording } from "../support/record.ts";

const nats = useNats();

/** Nothing in these tests may depend on the server delivering by itself. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "120s" };

async function submitSlow(cluster: Cluster, executionId: string, delayMs: number): Promise<void> {
  await cluster.publish("normal", { flowId: "slow", executionId, flowData: slowFlow(delayMs) });
}

const hasStarted = (cluster: Cluster, count: number) =>
  cluster.events.until((all) => all.filter(({ kind }) => kind === "started").length >= count);

function statesOf(cluster: Cluster, id: string) {
  return cluster.states.bodies
    .filter(({ workerId }) => workerId === id)
    .map(({ from, to, reasons }) => ({ from, to, reason: reasons.join("; ") }));
}

/** Runs `batuta drain` to its end. */
async function drain(cluster: Cluster, ...args: string[]) {
  const child = cluster.child(["drain", ...args]);
  const code = await child.exited();
  return { code, output: child.output };
}

test("batuta drain lets a worker finish what it runs and tells why it left", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const leaving = await cluster.worker("leaving");
  await submitSlow(cluster, "running", 8_000);
  await hasStarted(cluster, 1);
  const draining = drain(cluster, "leaving", "--reason", "its machine goes", "-o", "jsonl");
  await cluster.states.first(({ to }) => to === "draining");
  await cluster.worker("staying");
  await submitSlow(cluster, "later", 10);
  expect(await cluster.result("later")).toMatchObject({ workerId: "staying", attempts: 1 });
  const { code, output } = await draining;
  expect(code, output).toBe(0);
  expect(output).toContain("leaving: draining, 1 in flight");
  expect(output).toContain('"workerId":"leaving","state":"offline","unfinished":0');
  expect(await leaving.exited()).toBe(0);
  expect(await cluster.result("running")).toMatchObject({ workerId: "leaving", attempts: 1 });
  expect(statesOf(cluster, "leaving")).toEqual([
    { from: null, to: "registering", reason: "" },
    { from: "registering", to: "healthy", reason: "canary answered" },
    { from: "healthy", to: "draining", reason: "its machine goes" },
    { from: "draining", to: "offline", reason: expect.any(String) },
  ]);
});

test("what a drained worker does not finish in its grace runs elsewhere, and ends once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const leaving = await cluster.worker("leaving");
  const ids = ["long-1", "long-2", "long-3"];
  for (const id of ids) await submitSlow(cluster, id, 12_000);
  await hasStarted(cluster, 3);
  await cluster.worker("staying");
  const { code, output } = await drain(cluster, "leaving", "--timeout", "700ms");
  expect(code, output).toBe(0);
  expect(output).toContain("leaving left 3 unfinished: other workers get them");
  expect(await leaving.exited()).toBe(0);
  await cluster.results.count(ids.length);
  for (const id of ids) {
    expect(await cluster.result(id)).toMatchObject({ workerId: "staying", attempts: 2 });
  }
  const { state } = await cluster.bus.jsm.streams.info(cluster.bus.names.streams.results);
  expect(state.messages).toBe(ids.length);
});

test("a worker may be drained while it drains: the shorter grace counts, and it leaves once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const worker = await cluster.worker("w1");
  await submitSlow(cluster, "long", 60_000);
  await hasStarted(cluster, 1);
  const first = drain(cluster, "w1", "--reason", "first");
  await cluster.states.first(({ to }) => to === "draining");
  const second = await drain(cluster, "w1", "--timeout", "500ms", "--reason", "second");
  expect(second.code, second.output).toBe(0);
  expect((await first).code).toBe(0);
  expect(await worker.exited()).toBe(0);
  expect(statesOf(cluster, "w1").map(({ to }) => to)).toEqual([
    "registering",
    "healthy",
    "draining",
    "offline",
  ]);
  expect(statesOf(cluster, "w1").at(2)?.reason).toBe("first");
  const again = await drain(cluster, "w1");
  expect(again.code).toBe(0);
  expect(again.output).toContain("w1 is offline already");
});

test("--all drains every live worker, and --no-wait does not follow them", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const workers = [await cluster.worker("w1"), await cluster.worker("w2")];
  const { code, output } = await drain(cluster, "--all", "--no-wait");
  expect(code, output).toBe(0);
  for (const worker of workers) expect(await worker.exited()).toBe(0);
});

test("drain says which workers there are, who does not answer, and that nobody is there", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const worker = await cluster.worker("w1");
  const unknown = await drain(cluster, "w2");
  expect(unknown.code).toBe(4);
  expect(unknown.output).toContain("no worker w2: there are w1");
  expect((await drain(cluster)).code).toBe(2);
  expect((await drain(cluster, "a.b")).code).toBe(2);
  cluster.firstOrchestrator.kill("SIGKILL");
  worker.kill("SIGSTOP");
  const frozen = await drain(cluster, "w1", "--timeout", "100ms");
  expect(frozen.code, frozen.output).toBe(5);
  worker.kill("SIGKILL");
  await worker.exited();
  const gone = await drain(cluster, "w1");
  expect(gone.code, gone.output).toBe(3);
  expect(gone.output).toContain("worker w1 is not there");
});

test("POST /workers/{id}/drain does the same, and may be repeated", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, {
    ...ACK_WAIT,
    BATUTA_HTTP_ENABLED: "true",
    BATUTA_HTTP_PORT: "0",
  });
  const { output } = cluster.firstOrchestrator;
  const url = /"httpUrl":"([^"]+)"/.exec(output)?.[1];
  const post = (id: string, body?: object) =>
    fetch(`${url}/workers/${id}/drain`, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const worker = await cluster.worker("w1");
  await submitSlow(cluster, "running", 8_000);
  await hasStarted(cluster, 1);
  const answer = await post("w1", { reason: "by request", deadlineMs: 10_000 });
  expect(answer.status).toBe(202);
  expect(await answer.json()).toEqual({ workerId: "w1", status: "draining" });
  expect((await post("w1")).status).toBe(202);
  expect(await worker.exited()).toBe(0);
  expect(await cluster.result("running")).toMatchObject({ status: "completed", attempts: 1 });
  await cluster.states.first(({ to }) => to === "offline");
  expect(statesOf(cluster, "w1").at(2)).toMatchObject({ to: "draining", reason: "by request" });
  expect((await post("w1")).status).toBe(404);
  expect((await post("a.b")).status).toBe(400);
  expect((await post("w1", { deadlineMs: -1 })).status).toBe(400);
});

test("a reason of any length drains, and is cut for people", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const dones = new Recording<DoneMessage>(cluster.bus.nc, cluster.bus.names.done("*"));
  const worker = await cluster.worker("w1");
  onTestFinished(() => void worker.kill("SIGKILL"));
  const order = { action: "drain", deadlineMs: 1e12, reason: "x".repeat(100_000) };
  cluster.bus.nc.publish(cluster.bus.names.workerControl("w1"), JSON.stringify(order));
  expect(await worker.exited()).toBe(0);
  await cluster.states.first(({ to }) => to === "offline");
  const told = dones.bodies.find(({ draining }) => draining === true);
  expect(told?.drain?.reason).toHaveLength(200);
  expect(statesOf(cluster, "w1").at(2)).toMatchObject({ reason: "x".repeat(200) });
});

test("a drain that names another life of the worker is not obeyed", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w-1");
  const { nc, names } = cluster.bus;
  const order = { action: "drain", incarnation: "01EARLIER", reason: "meant for another" };
  nc.publish(names.workerControl("w-1"), JSON.stringify(order));
  await nc.flush();
  await cluster.publish("normal", { flowId: "noop", executionId: "e-1", flowData: NOOP_FLOW });
  expect((await cluster.result("e-1")).workerId).toBe("w-1");
  expect(cluster.states.bodies.map(({ to }) => to)).not.toContain("draining");
});
