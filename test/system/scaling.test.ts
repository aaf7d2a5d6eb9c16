import { expect, test } from "vitest";
import type { ScalingView } from "../../src/messages/scaling.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { useNats } from "../support/nats.ts";
import { FAST_SCALING } from "../support/scaling-env.ts";

const nats = useNats();

const SCALING = {
  ...FAST_SCALING,
  BATUTA_SCALING_PROVISIONER: "process",
  BATUTA_SCALING_MAX_WORKERS: "4",
  BATUTA_WORKER_ID: "w",
};

const healthy = (all: readonly WorkerStateEvent[]) =>
  last(all).filter(({ to }) => to === "healthy");

/** The last state of each worker. */
function last(all: readonly WorkerStateEvent[]): WorkerStateEvent[] {
  return [...new Map(all.map((event) => [event.workerId, event])).values()];
}

async function viewOf(cluster: Cluster, ...args: string[]): Promise<ScalingView> {
  const { exitCode, out, err } = await batuta(cluster, "scale", ...args, "-o", "json");
  expect(exitCode, err).toBe(0);
  return JSON.parse(out) as ScalingView;
}

test("a burst brings workers, and they leave again when it is over, with nothing failed or repeated", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SCALING);
  await cluster.states.until((all) => healthy(all).length === 1);
  const ids = Array.from({ length: 120 }, (_, index) => `burst-${index}`);
  for (const executionId of ids)
    await cluster.publish("normal", { flowId: "slow", executionId, flowData: slowFlow(300) });
  await cluster.states.until((all) => healthy(all).length >= 3);
  await cluster.results.until((all) => all.length === ids.length);
  expect(new Set(cluster.results.bodies.map(({ executionId }) => executionId)).size).toBe(120);
  for (const { status, attempts } of cluster.results.bodies)
    expect({ status, attempts }).toEqual({ status: "completed", attempts: 1 });
  await cluster.states.until((all) => {
    const states = last(all).map(({ to }) => to);
    return states.filter((to) => to !== "offline").length === 1;
  });
  const retired = cluster.states.bodies.filter(({ to }) => to === "draining");
  expect(retired.every(({ reasons }) => reasons.join().startsWith("scale-down"))).toBe(true);
});

test("a worker that is killed is replaced at once, and what it ran runs elsewhere", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { ...SCALING, BATUTA_TASK_ACK_WAIT: "120s" });
  await cluster.states.until((all) => healthy(all).length === 1);
  await cluster.publish("normal", { flowId: "slow", executionId: "x", flowData: slowFlow(1_500) });
  await cluster.events.first(({ kind }) => kind === "started");
  const [worker] = JSON.parse((await batuta(cluster, "workers", "-o", "json")).out);
  process.kill(worker.pid, "SIGKILL");
  const offline = await cluster.states.first(({ to }) => to === "offline");
  expect(offline.reasons.join()).toBe("process ended with signal SIGKILL");
  expect(await cluster.result("x")).toMatchObject({ status: "completed", attempts: 2 });
});

test("people set a number, hold it, and hand it back to the load", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, SCALING);
  await cluster.states.until((all) => healthy(all).length === 1);
  const set = await viewOf(cluster, "3", "--reason", "a campaign");
  expect(set).toMatchObject({ mode: "fixed", wish: { reason: "a campaign" } });
  await cluster.states.until((all) => healthy(all).length === 3);
  await viewOf(cluster, "pause");
  expect(await viewOf(cluster)).toMatchObject({ mode: "paused", actualWorkers: 3 });
  await viewOf(cluster, "auto", "--max", "2");
  await cluster.states.until((all) => last(all).filter(({ to }) => to !== "offline").length < 3);
  const view = await viewOf(cluster);
  expect(view).toMatchObject({ mode: "auto", maxWorkers: 2, provisioner: "process" });
});

test("a number beyond the limits is refused, and names them", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, SCALING);
  const tooMany = await batuta(cluster, "scale", "5");
  expect(tooMany).toMatchObject({ exitCode: 2 });
  expect(tooMany.err).toContain("5 workers are more than the most, 4");
  const odd = await batuta(cluster, "scale", "many");
  expect(odd.exitCode).toBe(2);
  expect(odd.err).toContain('"many": scale accepts a number of workers, auto or pause');
});

test("a wish that cannot be read is answered with what is wrong, and changes nothing", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SCALING);
  await cluster.states.until((all) => healthy(all).length === 1);
  const { nc, names } = cluster.bus;
  for (const body of [
    "{",
    "[]",
    '"5"',
    '{"workers":-1}',
    '{"mode":"up"}',
    `{"reason":"${"x".repeat(900_000)}"}`,
  ]) {
    const answer = (await nc.request(names.scaling, body)).json();
    expect(answer, body.slice(0, 40)).toMatchObject({ ok: false, code: "INVALID" });
  }
  expect(await viewOf(cluster)).toMatchObject({ mode: "auto", wish: { at: null } });
});

test("what was set outlives the orchestrator, and the next leader heeds it", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, SCALING);
  await cluster.states.until((all) => healthy(all).length === 1);
  await viewOf(cluster, "2");
  await cluster.states.until((all) => healthy(all).length === 2);
  cluster.firstOrchestrator.kill("SIGKILL");
  await cluster.states.until((all) => all.filter(({ to }) => to === "healthy").length >= 2);
  const second = await cluster.orchestrator({ BATUTA_WORKER_ID: "v" });
  await second.says(/an operator set 2 workers/);
  await cluster.states.until((all) => {
    const own = last(all).filter(({ workerId }) => workerId.startsWith("v-"));
    return own.filter(({ to }) => to === "healthy").length === 2;
  });
});

test("when the orchestrator ends its workers finish and leave with it", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, SCALING);
  await cluster.states.until((all) => healthy(all).length === 1);
  await cluster.publish("normal", { flowId: "slow", executionId: "x", flowData: slowFlow(1_000) });
  await cluster.events.first(({ kind }) => kind === "started");
  cluster.firstOrchestrator.kill("SIGTERM");
  expect(await cluster.result("x")).toMatchObject({ status: "completed", attempts: 1 });
  expect(await cluster.firstOrchestrator.exited()).toBe(0);
});

test("without a provisioner it is told how many there should be, and nothing is started", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, {
    ...SCALING,
    BATUTA_SCALING_PROVISIONER: "none",
  });
  for (let index = 0; index < 30; index += 1)
    await cluster.publish("normal", { flowId: "f", flowData: NOOP_FLOW });
  await expect
    .poll(async () => (await viewOf(cluster)).desiredWorkers, { timeout: 20_000 })
    .toBeGreaterThan(0);
  expect(await viewOf(cluster)).toMatchObject({ actualWorkers: 0, provisioner: "none" });
});
