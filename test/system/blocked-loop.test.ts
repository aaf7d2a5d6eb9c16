import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { Child } from "../support/child.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const SCRIPT = fileURLToPath(new URL("../support/blocking-worker.mjs", import.meta.url));
/** Longer than it takes until its beats have said so twice. */
const BLOCKED_MS = 6_000;

test("a worker whose loop stands still while it beats gets nothing, keeps its task and recovers", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const { states } = cluster;
  startBlocker(cluster);
  await states.first(({ workerId, to }) => workerId === "blocker" && to === "healthy");
  const blocks = {
    name: "blocks",
    version: 1,
    nodes: [{ id: "only", type: "block", config: { forMs: BLOCKED_MS } }],
    connections: [],
  };
  await cluster.publish("normal", { flowId: "f", executionId: "blocks", flowData: blocks });
  const critical = await states.first(({ to }) => to === "critical");
  expect(critical).toMatchObject({ workerId: "blocker" });
  expect(critical.reasons.join()).toMatch(/event loop lag \d+ ms|says critical/);

  await cluster.worker("heir");
  await cluster.publish("normal", { flowId: "f", executionId: "next", flowData: NOOP_FLOW });
  expect(await cluster.result("next")).toMatchObject({ status: "completed", workerId: "heir" });
  const result = await cluster.result("blocks");
  expect(result).toMatchObject({ status: "completed", workerId: "blocker", attempts: 1 });

  const before = states.bodies.length;
  await states.until((all) =>
    all.slice(before).some(({ workerId, to }) => workerId === "blocker" && to === "degraded"),
  );
  expect(states.bodies.filter(({ to }) => to === "offline")).toEqual([]);
});

function startBlocker({ env }: Cluster): void {
  const own = { ...env, BATUTA_WORKER_ID: "blocker" };
  const blocker = new Child([], own, [], SCRIPT);
  onTestFinished(() => blocker[Symbol.asyncDispose]());
}
