import { expect, test } from "vitest";
import type { Lane } from "../../src/domain/lane.ts";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import type { Child } from "../support/child.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** Far longer than any of these tests may take: what comes back sooner was not waited for. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "120s" };

test("a deep lane is delivered straight to the workers, and each execution ends once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { ...ACK_WAIT, BATUTA_RETRY_BACKOFF: "10ms" });
  const ids = await publishMany(cluster, "good", 300, NOOP_FLOW);
  const broken = await publishMany(cluster, "broken", 5, failing(true));
  const more = await publishMany(cluster, "more", 300, NOOP_FLOW);
  const invalid = { flowId: "f", executionId: "invalid", flowData: { name: "x" } };
  await cluster.publish("normal", invalid);
  const last = await publishMany(cluster, "last", 300, NOOP_FLOW);
  await startWorkers(cluster);
  const all = [...ids, ...broken, ...more, "invalid", ...last];
  const results = await cluster.results.count(all.length);
  expect(results.map(({ executionId }) => executionId).sort()).toEqual(all.sort());
  expect(directed(cluster)).toBeGreaterThan(100);
  for (const { executionId, status, attempts } of results) {
    const isGood = !broken.includes(executionId) && executionId !== "invalid";
    if (isGood) expect({ status, attempts }).toEqual({ status: "completed", attempts: 1 });
    else expect(status).toBe("failed");
  }
  const letters = await cluster.deadLetters.count(6);
  const ofBroken = letters.filter(({ executionId }) => broken.includes(executionId));
  expect(ofBroken.map(({ attempts }) => attempts.map(({ attempt }) => attempt))).toEqual(
    broken.map(() => [1, 2]),
  );
  expect(ofBroken[0]?.message.data).toMatchObject({ flowData: { name: "bad" }, maxAttempts: 2 });
  expect(await lanePending(cluster)).toBe(0);
});

test("what a killed worker had been sent and had not read yet is run elsewhere at once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const ids = await publishMany(cluster, "run", 3_000, NOOP_FLOW);
  const [doomed] = await startWorkers(cluster);
  await cluster.results.count(300);
  // Stopped, its socket goes on filling: with what is in there it dies.
  doomed.kill("SIGSTOP");
  const stoppedAt = cluster.results.messages.length;
  await cluster.results.count(stoppedAt + 500);
  doomed.kill("SIGKILL");
  const results = await cluster.results.count(ids.length);
  expect(new Set(results.map(({ executionId }) => executionId)).size).toBe(ids.length);
  expect(cluster.firstOrchestrator.output).toMatch(/"recovered":[1-9]/);
  expect(await lanePending(cluster)).toBe(0);
});

test("what a frozen worker had been sent is run elsewhere once it counts as gone, and it repeats nothing", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const ids = await publishMany(cluster, "run", 2_000, NOOP_FLOW);
  const [frozen] = await startWorkers(cluster);
  await cluster.results.count(300);
  frozen.kill("SIGSTOP");
  await cluster.results.count(ids.length);
  const isBack = ({ workerId, to }: WorkerStateEvent) => workerId === "doomed" && to === "healthy";
  const before = cluster.states.bodies.filter(isBack).length;
  frozen.kill("SIGCONT");
  await cluster.states.until((all) => all.filter(isBack).length > before);
  const { jsm, names } = cluster.bus;
  const { state } = await jsm.streams.info(names.streams.results);
  expect(state.messages).toBe(ids.length);
  expect(await lanePending(cluster)).toBe(0);
});

test("an execution id that is published twice ends once, and neither message stays behind", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const ids = await publishMany(cluster, "twice", 200, NOOP_FLOW, 2);
  await startWorkers(cluster);
  await cluster.results.until((all) => new Set(all.map((each) => each.executionId)).size === 200);
  expect(await lanePending(cluster)).toBe(0);
  expect(cluster.results.bodies).toHaveLength(ids.length);
});

test("in a lively lane one message at a time goes straight to a worker, and goes on when that one dies", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const [doomed] = await startWorkers(cluster);
  const runOne = async (executionId: string) => {
    const body = { flowId: "f", executionId, flowData: NOOP_FLOW };
    await cluster.publish("high", body, executionId);
    return cluster.result(executionId);
  };
  const workers = new Set<string | null>();
  for (let run = 0; run < 20; run += 1) workers.add((await runOne(`one-${run}`)).workerId);
  expect(workers).toEqual(new Set(["doomed", "heir"]));
  expect(directed(cluster)).toBeGreaterThan(10);
  doomed.kill("SIGKILL");
  const after = [];
  for (let run = 0; run < 5; run += 1) after.push(await runOne(`after-${run}`));
  expect(after.every(({ workerId }) => workerId === "heir")).toBe(true);
  expect(await lanePending(cluster)).toBe(0);
});

test("a worker that listens to so many orchestrators that it forgot this one is asked again", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" });
  const { nc, names } = cluster.bus;
  for (let stranger = 1; stranger <= 33; stranger += 1) {
    const order = JSON.stringify({ action: "direct", by: `stranger${stranger}` });
    await nc.request(names.workerControl("w1"), order, { timeout: 5_000 });
  }
  const ids = await publishMany(cluster, "run", 400, NOOP_FLOW);
  await cluster.results.count(ids.length);
  expect(new Set(cluster.results.bodies.map((each) => each.executionId)).size).toBe(ids.length);
  expect(directed(cluster)).toBeGreaterThan(0);
  expect(await lanePending(cluster)).toBe(0);
});

test("what anybody else publishes on a worker's subject for pulled tasks does no harm", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const [one] = await startWorkers(cluster);
  const { nc, jsm, names } = cluster.bus;
  await publishMany(cluster, "first", 300, NOOP_FLOW);
  await cluster.results.count(300);
  const order = JSON.stringify({ action: "direct", by: "stranger" });
  await nc.request(names.workerControl("doomed"), order, { timeout: 5_000 });
  const subject = names.pulled("doomed", "stranger.low.1");
  for (const reply of ["", "nobody", "$JS.ACK.x.y.1.2.3.4.5", "$JS.ACK.no.numbers.a.b.c.d.e"]) {
    nc.publish(subject, "no task", reply === "" ? {} : { reply });
  }
  nc.publish(names.pulled("doomed", "stranger"), "no lane");
  // An orchestrator that dies before it hears what its worker took: the worker commits all the same.
  const orphan = { flowId: "f", executionId: "orphan", flowData: NOOP_FLOW };
  await cluster.firstOrchestrator[Symbol.asyncDispose]();
  await cluster.publish("low", orphan, "orphan");
  nc.publish(
    `$JS.API.CONSUMER.MSG.NEXT.${names.streams.flows.low}.dispatch`,
    JSON.stringify({ batch: 1, no_wait: true }),
    { reply: subject },
  );
  expect(await cluster.result("orphan")).toMatchObject({ status: "completed", workerId: "doomed" });
  expect(await lanePending(cluster, "low")).toBe(0);
  expect(one.process.exitCode).toBeNull();
  const { state } = await jsm.streams.info(names.streams.results);
  expect(state.messages).toBe(301);
});

test("running tasks of a killed worker that the server delivered to it are run again", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const ids = await publishMany(cluster, "slow", 100, slowFlow(800));
  const [doomed] = await startWorkers(cluster);
  await cluster.events.until(
    (all) =>
      all.filter(({ kind, workerId }) => kind === "started" && workerId === "doomed").length > 8,
  );
  expect(directed(cluster)).toBeGreaterThan(0);
  doomed.kill("SIGKILL");
  const results = await cluster.results.count(ids.length);
  expect(new Set(results.map(({ executionId }) => executionId)).size).toBe(ids.length);
  expect(results.every(({ status }) => status === "completed")).toBe(true);
  expect(results.some(({ attempts }) => attempts === 2)).toBe(true);
});

test("an execution that the server delivered to its worker can be cancelled while it runs", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  await publishMany(cluster, "slow", 80, slowFlow(1_000));
  await startWorkers(cluster);
  // Assigned from now on: those before may have ended.
  const seen = cluster.events.bodies.length;
  const isDirected = ({ kind, reason }: FlowEvent) =>
    kind === "assigned" && String(reason).startsWith("directed");
  const events = await cluster.events.until((all) => all.slice(seen).some(isDirected));
  const executionId = events.slice(seen).find(isDirected)?.executionId ?? "none";
  const { nc, names } = cluster.bus;
  const answer = await nc.request(
    names.control(executionId),
    JSON.stringify({ action: "cancel" }),
    {
      timeout: 5_000,
    },
  );
  expect(answer.json()).toEqual({ executionId, cancelled: true });
  expect(await cluster.result(executionId)).toMatchObject({ status: "cancelled" });
  const results = await cluster.results.count(80);
  expect(results.filter((result) => result.executionId === executionId)).toHaveLength(1);
});

function failing(retryable: boolean) {
  const config = { code: "BOOM", message: "it broke", retryable };
  return { name: "bad", version: 1, nodes: [{ id: "f", type: "fail", config }], connections: [] };
}

async function publishMany(
  cluster: Cluster,
  name: string,
  count: number,
  flowData: object,
  times = 1,
) {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  const all = ids.flatMap((executionId) => Array.from({ length: times }, () => executionId));
  await Promise.all(
    all.map((executionId) => {
      const body = { flowId: "f", executionId, flowData, maxAttempts: 2 };
      return cluster.publish("normal", body, times === 1 ? executionId : undefined);
    }),
  );
  return ids;
}

async function startWorkers(cluster: Cluster): Promise<[Child, Child]> {
  const env = { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" };
  return Promise.all([cluster.worker("doomed", env), cluster.worker("heir", env)]);
}

/** How many tasks were seen to be assigned by a directed pull. */
function directed(cluster: Cluster): number {
  return cluster.events.bodies.filter(
    ({ kind, reason }) => kind === "assigned" && String(reason).startsWith("directed"),
  ).length;
}

/** Messages of the lane that are not done with, once those on their way are counted. */
async function lanePending(cluster: Cluster, lane: Lane = "normal"): Promise<number> {
  const { jsm, names } = cluster.bus;
  for (;;) {
    const { num_ack_pending, num_pending } = await jsm.consumers.info(
      names.streams.flows[lane],
      "dispatch",
    );
    if (num_ack_pending + num_pending === 0) return 0;
  }
}
