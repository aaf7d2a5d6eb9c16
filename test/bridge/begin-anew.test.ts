import { expect, type TestContext, test } from "vitest";
import { useNats } from "../support/nats.ts";
import { useRabbit } from "../support/rabbit.ts";
import { join, message } from "./joined.ts";
import { LegacyWorker, type LegacyWorkerOptions } from "./legacy-worker.ts";

const nats = useNats();
const rabbit = useRabbit();
const LONG = { timeout: 30_000, interval: 50 };

async function start(task: TestContext["task"]) {
  const joined = await join(task, nats, rabbit());
  const { cluster, client } = joined;
  const bridge = await joined.bridge();
  /** Resolves when it is healthy, whatever it was before. */
  const worker = async (options: LegacyWorkerOptions = {}) => {
    const before = cluster.states.bodies.length;
    const legacy = new LegacyWorker(client, "old-1", options);
    await legacy.start();
    await cluster.states.until((all) => all.slice(before).some(({ to }) => to === "healthy"));
    return legacy;
  };
  return { cluster, bridge, client, worker };
}

test("a worker that registers again while it holds nothing is given work again", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  const first = await worker();
  await first.die();
  const second = await worker();
  for (const id of ["e-1", "e-2", "e-3"]) await cluster.publish("normal", message(id));
  for (const id of ["e-1", "e-2", "e-3"])
    expect(await cluster.result(id)).toMatchObject({ workerId: "old-1", attempts: 1 });
  expect(second.tasks).toHaveLength(3);
});

test("a worker that registers again has lost what it held: it is run as the next attempt, once", async ({
  task,
}) => {
  const { cluster, bridge, client, worker } = await start(task);
  const first = await worker({ work: () => undefined });
  await cluster.publish("normal", message("held"));
  await expect.poll(() => first.tasks.length, LONG).toBe(1);
  await first.die();
  const second = await worker();
  const result = await cluster.result("held");
  expect(result).toMatchObject({ status: "completed", workerId: "old-1", attempts: 2 });
  expect(second.tasks).toMatchObject([{ taskId: "held.2", attempt: 2 }]);
  const [before] = first.tasks;
  if (before !== undefined) await first.report(before, { status: "completed", output: "late" });
  await bridge.says(/a task result that nobody waits for is dropped/);
  expect(await client.waiting(`${client.prefix}.tasks.old-1`)).toBe(0);
  expect(cluster.results.bodies).toHaveLength(1);
});

test("a worker that registers again and again, each time while it holds something, is there in the end", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  const ROUNDS = 8;
  for (let i = 0; i < ROUNDS; i += 1) {
    const holding = await worker({ work: () => undefined });
    await cluster.publish("normal", { ...message(`e-${i}`), maxAttempts: 2 * ROUNDS });
    await expect.poll(() => holding.tasks.length, LONG).toBeGreaterThan(0);
    await holding.die();
  }
  await worker();
  for (let i = 0; i < ROUNDS; i += 1)
    expect(await cluster.result(`e-${i}`)).toMatchObject({ status: "completed" });
});

test("an orchestrator understands all that it is told of a worker that begins anew", async ({
  task,
}) => {
  const { cluster, worker } = await start(task);
  const first = await worker({ work: () => undefined });
  await cluster.publish("normal", message("held"));
  await expect.poll(() => first.tasks.length, LONG).toBe(1);
  await first.die();
  await worker();
  await cluster.result("held");
  expect(cluster.firstOrchestrator.output).not.toContain("message refused");
});
