import { expect, test } from "vitest";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import { Cluster, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** Far longer than any of these tests may take. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "120s" };

test("a flow that was running on two workers that died is poison, with the evidence", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const flow = { flowId: "deadly", executionId: "deadly", flowData: slowFlow(60_000) };
  await cluster.publish("normal", flow);
  for (const workerId of ["first", "second"]) {
    const worker = await cluster.worker(workerId);
    await cluster.events.first((event) => event.kind === "started" && event.workerId === workerId);
    worker.kill("SIGKILL");
  }
  expect(await cluster.result("deadly")).toMatchObject({ status: "failed", attempts: 2 });
  const [letter] = await cluster.deadLetters.count(1);
  expect(letter).toMatchObject({ reason: "poison", executionId: "deadly" });
  expect(letter?.attempts.map(({ workerId, error }) => [workerId, error.code])).toEqual([
    ["first", "WORKER_LOST"],
    ["second", "WORKER_LOST"],
  ]);
});

test("a flow that outlasts the grace of two draining workers is no poison", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const grace = { BATUTA_WORKER_DRAIN_TIMEOUT: "200ms" };
  const flow = { flowId: "long", executionId: "long", flowData: slowFlow(4_000) };
  await cluster.publish("normal", flow);
  for (const workerId of ["first", "second"]) {
    const worker = await cluster.worker(workerId, grace);
    await cluster.events.first((event) => event.kind === "started" && event.workerId === workerId);
    worker.kill("SIGTERM");
    await worker.exited();
  }
  await cluster.worker("third");
  expect(await cluster.result("long")).toMatchObject({ status: "completed", workerId: "third" });
});

test("when two of three workers fall silent at once nobody is given up, and nothing is lost", async ({
  task,
}) => {
  // With beats more often, silence and an unanswered ping would count as death at the same moment.
  const beats = { BATUTA_WORKER_HEARTBEAT_INTERVAL: "1s" };
  const cluster = await Cluster.start(task, nats, { ...ACK_WAIT, ...beats });
  const workers = await Promise.all(["a", "b", "c"].map((id) => cluster.worker(id)));
  const frozen = workers.slice(0, 2);
  for (const worker of frozen) worker.kill("SIGSTOP");
  await cluster.firstOrchestrator.says(/"verdicts frozen"/);
  expect(cluster.firstOrchestrator.output).toContain("2 of 3 workers are suspect at once");
  for (const worker of frozen) worker.kill("SIGCONT");
  await cluster.firstOrchestrator.says(/"verdicts thawed"/);
  const ids = Array.from({ length: 30 }, (_, index) => `after-${index}`);
  for (const executionId of ids) {
    await cluster.publish("high", { flowId: "f", executionId, flowData: slowFlow(20) });
  }
  await cluster.results.count(ids.length);
  const isGone = ({ to }: WorkerStateEvent) => to === "offline";
  expect(cluster.states.bodies.filter(isGone)).toEqual([]);
});
