import { expect, test } from "vitest";
import type { CancelAnswer } from "../../src/messages/control.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** Far longer than any of these tests may take: what is gone sooner was seen to. */
const PATIENT = {
  BATUTA_TASK_ACK_WAIT: "120s",
  BATUTA_RETRY_BACKOFF: "24h",
  BATUTA_RETRY_BACKOFF_MAX: "24h",
};

test("a queued execution is cancelled in its lane, and no worker ever gets it", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  for (let index = 0; index < 300; index += 1) {
    const id = `queued-${index}`;
    await cluster.publish("low", { flowId: "f", executionId: id, flowData: NOOP_FLOW }, id);
  }
  expect(await cancel(cluster, "queued-150")).toEqual({
    executionId: "queued-150",
    cancelled: true,
  });
  expect(await cluster.result("queued-150")).toMatchObject({
    status: "cancelled",
    lane: "low",
    flowId: "f",
    attempts: 0,
    workerId: null,
    startedAt: null,
    error: { code: "CANCELLED", message: "enough" },
  });
  await cluster.worker("w1");
  await cluster.results.count(300);
  await cluster.drained("low");
  const started = cluster.events.bodies.filter(({ kind }) => kind === "started");
  expect(started.map(({ executionId }) => executionId)).not.toContain("queued-150");
  expect(cluster.results.bodies).toHaveLength(300);
});

test("an execution whose publisher gave it no id is cancelled by the name of its place", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  const { seq } = await cluster.publish("high", { flowId: "anonymous", flowData: NOOP_FLOW });
  const id = `${cluster.bus.names.streams.flows.high}-${seq}`;
  expect(await cancel(cluster, id)).toEqual({ executionId: id, cancelled: true });
  expect(await cluster.result(id)).toMatchObject({ flowId: "anonymous", lane: "high" });
  await cluster.drained("high");
});

test("the nodes of a running execution see the cancel at once, and its slot is free again", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "1" });
  const body = { flowId: "long", executionId: "running-1", flowData: slowFlow(600_000) };
  await cluster.publish("high", body, "running-1");
  await cluster.events.first(({ kind }) => kind === "started");
  expect(await cancel(cluster, "running-1")).toMatchObject({ cancelled: true });
  expect(await cluster.result("running-1")).toMatchObject({
    status: "cancelled",
    lane: "high",
    flowId: "long",
    attempts: 1,
    workerId: "w1",
    error: { message: "enough" },
  });
  await cluster.publish("high", { flowId: "f", executionId: "next", flowData: NOOP_FLOW }, "next");
  expect(await cluster.result("next")).toMatchObject({ status: "completed" });
  await cluster.drained("high");
  // A second cancel changes nothing and says the same.
  expect(await cancel(cluster, "running-1")).toMatchObject({ cancelled: true });
  expect(cluster.results.bodies).toHaveLength(2);
});

test("an execution that waits for a retry is cancelled and not tried again", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1");
  const config = { code: "BOOM", message: "it broke", retryable: true };
  const flowData = { ...NOOP_FLOW, nodes: [{ id: "f", type: "fail", config }] };
  await cluster.publish("low", { flowId: "flaky", executionId: "again", flowData }, "again");
  await cluster.events.first(({ kind }) => kind === "retrying");
  expect(await cancel(cluster, "again")).toMatchObject({ cancelled: true });
  expect(await cluster.result("again")).toMatchObject({
    status: "cancelled",
    lane: "low",
    flowId: "flaky",
    attempts: 1,
  });
  // Long before the delay is over.
  await cluster.drained("low");
});

test("a cancel that races completion ends in one terminal record, and the answer agrees with it", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  const ids = Array.from({ length: 50 }, (_, index) => `race-${index}`);
  const answers = await Promise.all(
    ids.map(async (executionId, index) => {
      const body = { flowId: "f", executionId, flowData: slowFlow(index % 10) };
      await cluster.publish("normal", body, executionId);
      return cancel(cluster, executionId);
    }),
  );
  const { jsm, names } = cluster.bus;
  for (const [index, executionId] of ids.entries()) {
    const result = await expect
      .poll(() => jsm.streams.getMessage(names.streams.results, at(names.result(executionId))))
      .not.toBeNull()
      .then(() => jsm.streams.getMessage(names.streams.results, at(names.result(executionId))));
    const { status } = result?.json<{ status: string }>() ?? {};
    expect(answers[index]?.cancelled).toBe(status === "cancelled");
    expect(["cancelled", "completed"]).toContain(status);
  }
  await cluster.drained();
  // Each subject was written once: nothing was ever replaced.
  const { state } = await jsm.streams.info(names.streams.results);
  expect([state.messages, state.last_seq]).toEqual([50, 50]);
});

test("a cancel is answered, too, where the execution comes and ends while it is looked for", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  for (let index = 0; index < 60; index += 1) {
    const executionId = `brief-${index}`;
    const body = { flowId: "f", executionId, flowData: NOOP_FLOW };
    const published = cluster.publish("normal", body, executionId);
    const answer = await cancel(cluster, executionId);
    await published;
    if (answer.reason === "unknown") continue;
    const { status } = await cluster.result(executionId);
    expect(answer.cancelled).toBe(status === "cancelled");
  }
});

test("with two orchestrators the one that holds it answers, wherever an execution is", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.orchestrator();
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  const ids = Array.from({ length: 24 }, (_, index) => `both-${index}`);
  for (const executionId of ids) {
    const body = { flowId: "long", executionId, flowData: slowFlow(600_000) };
    await cluster.publish("high", body, executionId);
  }
  await cluster.events.until((all) => all.filter(({ kind }) => kind === "started").length >= 5);
  const answers = await Promise.all(ids.map((id) => cancel(cluster, id)));
  expect(answers).toEqual(ids.map((executionId) => ({ executionId, cancelled: true })));
  const results = await cluster.results.count(ids.length);
  for (const result of results) {
    expect(result).toMatchObject({ status: "cancelled", lane: "high", flowId: "long" });
  }
  await cluster.drained("high");
  // All slots are free: nothing that was cancelled goes on.
  await cluster.publish("high", { flowId: "f", executionId: "after", flowData: NOOP_FLOW });
  expect(await cluster.result("after")).toMatchObject({ status: "completed" });
  expect(await cancel(cluster, "nobody")).toMatchObject({ cancelled: false, reason: "unknown" });
  const { state } = await cluster.bus.jsm.streams.info(cluster.bus.names.streams.results);
  expect([state.messages, state.last_seq]).toEqual([25, 25]);
});

test("where the orchestrator that holds it is frozen another one cancels it, and the worker stops when that one is back", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "1" });
  const body = { flowId: "long", executionId: "held", flowData: slowFlow(600_000) };
  await cluster.publish("high", body, "held");
  await cluster.events.first(({ kind }) => kind === "started");
  await cluster.orchestrator();
  cluster.firstOrchestrator.kill("SIGSTOP");
  expect(await cancel(cluster, "held")).toEqual({ executionId: "held", cancelled: true });
  expect(await cluster.result("held")).toMatchObject({ lane: "high", flowId: "long" });
  cluster.firstOrchestrator.kill("SIGCONT");
  await cluster.publish("high", { flowId: "f", executionId: "next", flowData: NOOP_FLOW }, "next");
  expect(await cluster.result("next")).toMatchObject({ status: "completed" });
  await cluster.drained("high");
  expect(cluster.results.bodies).toHaveLength(2);
});

test("a cancel of an id that never was stores nothing", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  expect(await cancel(cluster, "nobody")).toEqual({
    executionId: "nobody",
    cancelled: false,
    reason: "unknown",
  });
  const { state } = await cluster.bus.jsm.streams.info(cluster.bus.names.streams.results);
  expect(state.messages).toBe(0);
  // The id is as good as new.
  await cluster.worker("w1");
  await cluster.publish("low", { flowId: "f", executionId: "nobody", flowData: NOOP_FLOW });
  expect(await cluster.result("nobody")).toMatchObject({ status: "completed" });
  expect(await cancel(cluster, "nobody")).toMatchObject({ reason: "ended", status: "completed" });
});

async function cancel({ bus }: Cluster, executionId: string): Promise<CancelAnswer> {
  const order = JSON.stringify({ action: "cancel", reason: "enough" });
  const subject = bus.names.control(executionId);
  return (await bus.nc.request(subject, order, { timeout: 10_000 })).json<CancelAnswer>();
}

function at(subject: string) {
  return { last_by_subj: subject };
}

test("cancels amid a deep lane that goes straight to the workers each end in one record, and stop what had begun", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, PATIENT);
  const ids = Array.from({ length: 400 }, (_, index) => `deep-${index}`);
  await Promise.all(
    ids.map((executionId) => {
      const body = { flowId: "f", executionId, flowData: slowFlow(100) };
      return cluster.publish("normal", body, executionId);
    }),
  );
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  await cluster.events.first(({ reason }) => String(reason).startsWith("directed"));
  const wanted = ids.filter((_, index) => index % 5 === 0);
  const answers = await Promise.all(wanted.map((id) => cancel(cluster, id)));
  await cluster.results.until(
    (all) => new Set(all.map(({ executionId }) => executionId)).size === ids.length,
  );
  await cluster.drained();
  for (const [index, id] of wanted.entries()) {
    const stored = await cluster.bus.jsm.streams.getMessage(
      cluster.bus.names.streams.results,
      at(cluster.bus.names.result(id)),
    );
    const { status } = stored?.json<{ status: string }>() ?? {};
    expect(answers[index]?.cancelled).toBe(status === "cancelled");
  }
  expect(answers.filter(({ cancelled }) => cancelled).length).toBeGreaterThan(10);
  const { state } = await cluster.bus.jsm.streams.info(cluster.bus.names.streams.results);
  expect([state.messages, state.last_seq]).toEqual([400, 400]);
});
