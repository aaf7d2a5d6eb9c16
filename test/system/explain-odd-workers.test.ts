import { expect, test } from "vitest";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { FakeWorker, registrationOf } from "../support/fake-worker.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** What `batuta explain` says of it, once that fits. */
async function explained(cluster: Cluster, id: string, fits: RegExp): Promise<string> {
  const ask = async () => (await batuta(cluster, "explain", id)).out;
  await expect.poll(ask, { timeout: 60_000, interval: 500 }).toMatch(fits);
  return ask();
}

test("one whose worker took it and fell silent is told so, up to the dead letter", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_TASK_ACK_WAIT: "3s" });
  // Room for what comes again: nobody asks for what nobody has room for.
  const capacity = { ...registrationOf("silent").capacity, maxConcurrentFlows: 5 };
  const silent = await FakeWorker.start(cluster.bus, "silent", { changes: { capacity } });
  await cluster.states.first(({ to }) => to === "healthy");
  const flow = { flowId: "n", executionId: "x", flowData: NOOP_FLOW, maxAttempts: 2 };
  await cluster.publish("normal", flow);
  await cluster.result("x");
  const text = await explained(cluster, "x", /given up as max_attempts/);
  const silence = "worker silent neither extended nor settled it within ack_wait";
  expect(text).toMatch(/attempt 1 on worker silent failed: ACK_WAIT_OVER/);
  expect(text).toMatch(new RegExp(`to be tried again at once\\n +${silence}`));
  expect(text).toMatch(/given up as max_attempts\n +2 of 2 attempts, the last with ACK_WAIT_OVER/);
  silent.stop();
});

test("one that a worker says it cannot run, though it registered otherwise, is told by whom", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const liar = await FakeWorker.start(cluster.bus, "liar", {
    task: () => ({ refused: "unsupported", free: 1 }),
  });
  await cluster.states.first(({ to }) => to === "healthy");
  await cluster.publish("normal", { flowId: "n", executionId: "x", flowData: NOOP_FLOW });
  const text = await explained(cluster, "x", /no worker could run it/);
  expect(text).toMatch(
    /no worker could run it: handed back to its lane\n +worker liar does not support it\n +looked at again after \d+ ms/,
  );
  liar.stop();
});
