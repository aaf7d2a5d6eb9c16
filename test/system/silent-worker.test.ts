import { expect, test } from "vitest";
import type { Bus } from "../../src/bus/connect.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { FakeWorker } from "../support/fake-worker.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

test("a task that a worker swallowed, while it beats on, is run by another one", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const silent = await startSilentWorker(cluster.bus, "silent");
  await cluster.states.first(({ to }) => to === "healthy");
  await cluster.publish("normal", { flowId: "n", executionId: "lost", flowData: NOOP_FLOW });
  await silent.gotTask;
  await cluster.worker("honest");
  const result = await cluster.result("lost");
  expect(result).toMatchObject({ status: "completed", workerId: "honest", attempts: 2 });
  silent.stop();
});

/** Takes one task without a word, and never lists or reports it. */
async function startSilentWorker(bus: Bus, workerId: string) {
  let took = () => {};
  let takes = true;
  const gotTask = new Promise<void>((resolve) => {
    took = resolve;
  });
  const task = () => {
    if (!takes) return { refused: "busy", free: 0 };
    takes = false;
    took();
    return undefined;
  };
  const worker = await FakeWorker.start(bus, workerId, { task });
  return { gotTask, stop: () => worker.stop() };
}
