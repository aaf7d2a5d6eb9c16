import { expect, test } from "vitest";
import { PausedFlags } from "../../src/bus/paused-flags.ts";
import type { Lane } from "../../src/domain/lane.ts";
import type { CancelAnswer, PauseAnswer } from "../../src/messages/control.ts";
import type { Heartbeat } from "../../src/messages/worker.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { Gate } from "../support/gate.ts";
import { useNats } from "../support/nats.ts";
import { Recording } from "../support/record.ts";

const nats = useNats();

/** Far longer than any of these tests may take: what is gone sooner was seen to. */
const PATIENT = { BATUTA_TASK_ACK_WAIT: "120s" };
/** A resume that was not called back would come only with the next round of a paused message. */
const AT_ONCE_MS = 10_000;

test("a queued execution that is paused is not started until it is resumed, then it completes once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await publish(cluster, "paused-1");
  expect(await pause(cluster, "paused-1")).toEqual({ executionId: "paused-1", paused: true });
  await cluster.worker("w1");
  // It comes before this one, is handed back, and holds up nobody.
  await completes(cluster, "other-1");
  expect(kindsOf(cluster, "paused-1")).toEqual(["paused", "accepted"]);
  // A second pause changes nothing and says the same.
  expect(await pause(cluster, "paused-1")).toMatchObject({ paused: true });

  const resumedAt = Date.now();
  expect(await resume(cluster, "paused-1")).toEqual({ executionId: "paused-1", paused: false });
  const result = await cluster.result("paused-1");
  expect(result).toMatchObject({ status: "completed", attempts: 1 });
  expect(Date.now() - resumedAt).toBeLessThan(AT_ONCE_MS);
  await cluster.drained();
  expect(countOf(cluster, "paused-1", "started")).toBe(1);
  expect(cluster.results.bodies).toHaveLength(2);
});

test("a running execution that is paused ends its node, starts the next one on resume and repeats none", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1");
  await publish(cluster, "long", gate.flow("one", "two", "three"));
  await gate.isAsked("one");
  expect(await pause(cluster, "long")).toEqual({ executionId: "long", paused: true });
  gate.answer("one");
  await cluster.events.first(({ kind, nodeId }) => kind === "node" && nodeId === "one");
  // The same worker runs others meanwhile.
  await completes(cluster, "other");
  expect(gate.asked).toEqual(["one"]);

  expect(await resume(cluster, "long")).toEqual({ executionId: "long", paused: false });
  await gate.isAsked("two");
  gate.answer("two");
  await gate.isAsked("three");
  gate.answer("three");
  expect(await cluster.result("long")).toMatchObject({ status: "completed", attempts: 1 });
  expect(gate.asked).toEqual(["one", "two", "three"]);
  expect(countOf(cluster, "long", "started")).toBe(1);
  await cluster.drained();
});

test("an execution that completes while it is paused, since its last node was running, is paused no more", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1");
  await publish(cluster, "last", gate.flow("only"));
  await gate.isAsked("only");
  expect(await pause(cluster, "last")).toMatchObject({ paused: true });
  gate.answer("only");
  expect(await cluster.result("last")).toMatchObject({ status: "completed" });
  await noFlags(cluster);
  const ended = { executionId: "last", paused: false, reason: "ended", status: "completed" };
  expect(await resume(cluster, "last")).toEqual(ended);
  expect(await pause(cluster, "last")).toEqual(ended);
  await noFlags(cluster);
});

test("an execution that waits for a retry and is paused is tried again only after the resume", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1");
  await publish(cluster, "flaky", gate.flow("one"));
  await gate.isAsked("one");
  gate.answer("one", 2);
  await cluster.events.first(({ kind }) => kind === "retrying");
  expect(await pause(cluster, "flaky")).toMatchObject({ paused: true });
  // Its delay is over, and it is handed back instead of tried.
  await expect.poll(() => deliveries(cluster), { timeout: 20_000 }).toBeGreaterThanOrEqual(2);
  await completes(cluster, "other");
  expect(gate.asked).toEqual(["one"]);
  await resume(cluster, "flaky");
  await gate.isAsked("one", 2);
  gate.answer("one");
  expect(await cluster.result("flaky")).toMatchObject({ status: "completed", attempts: 2 });
  await cluster.drained();
  await noFlags(cluster);
});

test("a paused execution is cancelled, queued as well as running, and is paused no more", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  await publish(cluster, "queued");
  expect(await pause(cluster, "queued")).toMatchObject({ paused: true });
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "1" });
  // It has been delivered by now, and handed back.
  await completes(cluster, "behind");
  expect(await cancel(cluster, "queued")).toEqual({ executionId: "queued", cancelled: true });
  expect(await cluster.result("queued")).toMatchObject({ status: "cancelled", attempts: 0 });
  // Long before it would have come again.
  await cluster.drained();

  await publish(cluster, "running", gate.flow("one", "two"));
  await gate.isAsked("one");
  expect(await pause(cluster, "running")).toMatchObject({ paused: true });
  gate.answer("one");
  await cluster.events.first(({ kind, nodeId }) => kind === "node" && nodeId === "one");
  expect(await cancel(cluster, "running")).toEqual({ executionId: "running", cancelled: true });
  expect(await cluster.result("running")).toMatchObject({ status: "cancelled", workerId: "w1" });
  // Its slot is free again.
  await completes(cluster, "next");
  expect(gate.asked).toEqual(["one"]);
  await cluster.drained();
  await noFlags(cluster);
});

test("when the worker of a paused execution is killed it stays paused, and runs elsewhere after the resume", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  const first = await cluster.worker("w1");
  await publish(cluster, "moved", gate.flow("one", "two"));
  await gate.isAsked("one");
  await pause(cluster, "moved");
  gate.answer("one");
  await cluster.events.first(({ kind, nodeId }) => kind === "node" && nodeId === "one");
  first.kill("SIGKILL");
  await cluster.events.first(({ kind }) => kind === "redistributed");
  await cluster.worker("w2");
  await completes(cluster, "other");
  expect(gate.asked).toEqual(["one"]);
  await resume(cluster, "moved");
  await gate.isAsked("one", 2);
  gate.answer("one");
  await gate.isAsked("two");
  gate.answer("two");
  expect(await cluster.result("moved")).toMatchObject({
    status: "completed",
    workerId: "w2",
    attempts: 2,
  });
  await cluster.drained();
});

test("a worker that is drained gives its paused execution back, and it stays paused", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  const first = await cluster.worker("w1", { BATUTA_WORKER_DRAIN_TIMEOUT: "500ms" });
  await publish(cluster, "drained", gate.flow("one", "two"));
  await gate.isAsked("one");
  await pause(cluster, "drained");
  gate.answer("one");
  await cluster.events.first(({ kind, nodeId }) => kind === "node" && nodeId === "one");
  first.kill("SIGTERM");
  await first.exited();
  await cluster.worker("w2");
  await completes(cluster, "other");
  expect(gate.asked).toEqual(["one"]);
  await resume(cluster, "drained");
  await gate.isAsked("one", 2);
  gate.answer("one");
  await gate.isAsked("two");
  gate.answer("two");
  expect(await cluster.result("drained")).toMatchObject({ status: "completed", workerId: "w2" });
});

test("of two orchestrators any pauses and resumes what the other holds, and a killed one leaves it paused", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.orchestrator();
  const ids = Array.from({ length: 8 }, (_, index) => `run-${index}`);
  const waiting = Array.from({ length: 8 }, (_, index) => `wait-${index}`);
  for (const id of waiting) await publish(cluster, id, NOOP_FLOW, "low");
  await paused(cluster, waiting);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "20" });
  for (const id of ids) await publish(cluster, id, gate.flow("one", "two"));
  await gate.isAsked("one", ids.length);
  await paused(cluster, ids);
  gate.answer("one");

  // One that starts now knows of them; the one that held some is killed.
  await cluster.orchestrator();
  cluster.firstOrchestrator.kill("SIGKILL");
  await cluster.firstOrchestrator.exited();
  await completes(cluster, "other");
  expect(gate.asked).not.toContain("two");
  expect(cluster.results.bodies).toHaveLength(1);

  const all = [...ids, ...waiting];
  const resumed = await Promise.all(all.map((id) => resume(cluster, id)));
  expect(resumed).toEqual(all.map((executionId) => ({ executionId, paused: false })));
  const answering = setInterval(() => {
    gate.answer("one");
    gate.answer("two");
  }, 20);
  const results = await cluster.results.until(
    (bodies) => new Set(bodies.map(({ executionId }) => executionId)).size === all.length + 1,
  );
  clearInterval(answering);
  expect(results.every(({ status }) => status === "completed")).toBe(true);
  await cluster.drained();
  await cluster.drained("low");
  await noFlags(cluster);
});

test("where the orchestrator that holds it is frozen another one pauses and resumes a running execution", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1");
  await publish(cluster, "held", gate.flow("one", "two"));
  await gate.isAsked("one");
  await cluster.orchestrator();
  const beats = new Recording<Heartbeat>(cluster.bus.nc, cluster.bus.names.heartbeat("w1"));
  await beats.first(({ inFlight }) => inFlight.length > 0);
  cluster.firstOrchestrator.kill("SIGSTOP");
  expect(await pause(cluster, "held")).toEqual({ executionId: "held", paused: true });
  // Its task follows the order on the same way.
  await completes(cluster, "other");
  gate.answer("one");
  await cluster.events.first(({ kind, nodeId }) => kind === "node" && nodeId === "one");
  await completes(cluster, "another");
  expect(gate.asked).toEqual(["one"]);
  await resume(cluster, "held");
  await gate.isAsked("two");
  cluster.firstOrchestrator.kill("SIGCONT");
  gate.answer("two");
  expect(await cluster.result("held")).toMatchObject({ status: "completed", attempts: 1 });
  expect(gate.asked).toEqual(["one", "two"]);
  await cluster.drained();
  await noFlags(cluster);
});

test("pauses and resumes in quick succession end as the last one said", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.orchestrator();
  for (let index = 0; index < 4; index += 1) {
    const id = `quick-${index}`;
    await publish(cluster, id);
    for (let round = 0; round < 3; round += 1) {
      expect(await pause(cluster, id)).toEqual({ executionId: id, paused: true });
      expect(await resume(cluster, id)).toEqual({ executionId: id, paused: false });
    }
  }
  await noFlags(cluster);
  await cluster.worker("w1");
  await cluster.results.count(4);
  await cluster.drained();
});

test("amid a busy fleet of two orchestrators each execution that is paused and resumed runs once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.orchestrator();
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  const ids = Array.from({ length: 60 }, (_, index) => `busy-${index}`);
  await Promise.all(ids.map((id) => publish(cluster, id, slowFlow(150))));
  const answers = await Promise.all(
    ids.map(async (id) => [await pause(cluster, id), await resume(cluster, id)]),
  );
  for (const [paused, resumed] of answers) {
    expect(paused?.paused === true || paused?.reason === "ended").toBe(true);
    expect(resumed?.paused).toBe(false);
  }
  const results = await cluster.results.count(ids.length);
  expect(results.filter(({ status, attempts }) => status !== "completed" || attempts > 1)).toEqual(
    [],
  );
  await cluster.drained();
  await noFlags(cluster);
  expect(cluster.results.bodies).toHaveLength(ids.length);
});

test("the deadline of a queued execution is not put off by a pause", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  const deadline = new Date(Date.now() + 2_000).toISOString();
  const body = { flowId: "f", executionId: "late", flowData: NOOP_FLOW, deadline };
  await cluster.publish("normal", body, "late");
  expect(await pause(cluster, "late")).toMatchObject({ paused: true });
  await expect.poll(() => Date.now(), { timeout: 5_000 }).toBeGreaterThan(Date.parse(deadline));
  await cluster.worker("w1");
  expect(await cluster.result("late")).toMatchObject({ status: "failed", reason: "expired" });
  await noFlags(cluster);
});

test("a pause of an id that never was and of what has ended is told, and leaves nothing behind", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  const unknown = { executionId: "nobody", paused: false, reason: "unknown" };
  expect(await pause(cluster, "nobody")).toEqual(unknown);
  expect(await resume(cluster, "nobody")).toEqual(unknown);
  await publish(cluster, "waits");
  expect(await resume(cluster, "waits")).toMatchObject({ paused: false, reason: "not_paused" });
  await noFlags(cluster);
  await cluster.worker("w1");
  // The id is as good as new.
  await completes(cluster, "nobody");
  expect(await pause(cluster, "nobody")).toMatchObject({ reason: "ended", status: "completed" });
  await noFlags(cluster);
});

test("a pause whose orchestrator died before it had looked is finished by the next one", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  const flags = await PausedFlags.open(cluster.bus);
  await publish(cluster, "there");
  for (const id of ["nowhere", "there"]) {
    await flags.set(id, { reason: "enough", at: new Date().toISOString() }, undefined);
  }
  await cluster.orchestrator();
  const known = async () => (await flags.all()).map(({ executionId, lane }) => [executionId, lane]);
  await expect.poll(known, { timeout: 10_000 }).toEqual([["there", "normal"]]);
  expect(await resume(cluster, "there")).toEqual({ executionId: "there", paused: false });
});

test("what is paused in a deep lane that goes straight to the workers is passed over", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  const ids = Array.from({ length: 300 }, (_, index) => `deep-${index}`);
  await Promise.all(ids.map((id) => publish(cluster, id)));
  const chosen = ids.filter((_, index) => index % 30 === 29);
  await Promise.all(chosen.map((id) => pause(cluster, id)));
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  await cluster.results.count(ids.length - chosen.length);
  const ended = new Set(cluster.results.bodies.map(({ executionId }) => executionId));
  expect(chosen.filter((id) => ended.has(id))).toEqual([]);
  await Promise.all(chosen.map((id) => resume(cluster, id)));
  await cluster.results.count(ids.length);
  await cluster.drained();
  expect(cluster.results.bodies).toHaveLength(ids.length);
});

function publish(
  cluster: Cluster,
  executionId: string,
  flowData: object = NOOP_FLOW,
  lane: Lane = "normal",
) {
  return cluster.publish(lane, { flowId: "f", executionId, flowData }, executionId);
}

async function completes(cluster: Cluster, executionId: string): Promise<void> {
  await publish(cluster, executionId);
  expect(await cluster.result(executionId)).toMatchObject({ status: "completed" });
}

async function paused(cluster: Cluster, ids: readonly string[]): Promise<void> {
  const answers = await Promise.all(ids.map((id) => pause(cluster, id)));
  expect(answers).toEqual(ids.map((executionId) => ({ executionId, paused: true })));
}

function pause(cluster: Cluster, executionId: string): Promise<PauseAnswer> {
  return order(cluster, executionId, "pause");
}

function resume(cluster: Cluster, executionId: string): Promise<PauseAnswer> {
  return order(cluster, executionId, "resume");
}

function cancel(cluster: Cluster, executionId: string): Promise<CancelAnswer> {
  return order(cluster, executionId, "cancel");
}

async function order<A>({ bus }: Cluster, executionId: string, action: string): Promise<A> {
  const body = JSON.stringify({ action, reason: "enough" });
  return (
    await bus.nc.request(bus.names.control(executionId), body, { timeout: 15_000 })
  ).json<A>();
}

function kindsOf({ events }: Cluster, executionId: string): string[] {
  return events.bodies.filter((each) => each.executionId === executionId).map(({ kind }) => kind);
}

function countOf(cluster: Cluster, executionId: string, wanted: string): number {
  return kindsOf(cluster, executionId).filter((kind) => kind === wanted).length;
}

/** How many messages the normal lane has delivered so far, again or for the first time. */
async function deliveries({ bus }: Cluster): Promise<number> {
  const info = await bus.jsm.consumers.info(bus.names.streams.flows.normal, "dispatch");
  return info.delivered.consumer_seq;
}

async function noFlags({ bus }: Cluster): Promise<void> {
  const flags = await PausedFlags.open(bus);
  const left = async () => (await flags.all()).map(({ executionId }) => executionId);
  await expect.poll(left, { timeout: 10_000 }).toEqual([]);
}
