import { expect, test } from "vitest";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
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

async function publishMany(cluster: Cluster, name: string, count: number, flowData: object) {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  await Promise.all(
    ids.map((executionId) =>
      cluster.publish("normal", { flowId: "f", executionId, flowData, maxAttempts: 2 }),
    ),
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
async function lanePending(cluster: Cluster): Promise<number> {
  const { jsm, names } = cluster.bus;
  for (;;) {
    const { num_ack_pending, num_pending } = await jsm.consumers.info(
      names.streams.flows.normal,
      "dispatch",
    );
    if (num_ack_pending + num_pending === 0) return 0;
  }
}
