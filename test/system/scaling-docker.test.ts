import { expect, onTestFinished, type RunnerTestCase, test } from "vitest";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import { FakeDocker } from "../provisioners/support/fake-docker.ts";
import { Child } from "../support/child.ts";
import { Cluster, slowFlow } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** A fake engine whose containers are real workers: only what is between them and us is made up. */
async function dockerCluster(task: RunnerTestCase, run?: FakeDocker["run"]) {
  const engine = new FakeDocker();
  const workers: Child[] = [];
  engine.images.add("batuta:local");
  engine.run =
    run ??
    (({ Cmd, Env }) => {
      const env = Object.fromEntries(Env.map((pair) => pair.split(/=(.*)/s, 2)));
      const worker = new Child(Cmd, env);
      workers.push(worker);
      return worker;
    });
  await engine.open();
  onTestFinished(async () => {
    await Promise.all(workers.map((worker) => worker[Symbol.asyncDispose]()));
    await engine.close();
  });
  const cluster = await Cluster.start(task, nats, {
    BATUTA_SCALING_PROVISIONER: "docker",
    BATUTA_SCALING_DOCKER_SOCKET: engine.socketPath,
    BATUTA_SCALING_DOCKER_NETWORK: "host",
    BATUTA_SCALING_MIN_WORKERS: "1",
    BATUTA_SCALING_MAX_WORKERS: "3",
    BATUTA_SCALING_EVALUATION_INTERVAL: "500ms",
    BATUTA_SCALING_UP_COOLDOWN: "1s",
    BATUTA_TASK_ACK_WAIT: "120s",
    BATUTA_WORKER_ID: "w",
  });
  const live = () => {
    const last = new Map(cluster.states.bodies.map((event) => [event.workerId, event]));
    return [...last.values()].filter(({ to }) => to === "healthy").map(({ workerId }) => workerId);
  };
  const healthy = (count: number) =>
    cluster.states.until((_: readonly WorkerStateEvent[]) => live().length === count);
  return { engine, cluster, healthy, live };
}

test("workers in containers run flows, are replaced when they die, and leave when there are too many", async ({
  task,
}) => {
  const { engine, cluster, healthy } = await dockerCluster(task);
  await healthy(1);
  const flow = { flowId: "slow", executionId: "x", flowData: slowFlow(1_500) };
  await cluster.publish("normal", flow);
  await cluster.events.first(({ kind }) => kind === "started");
  const [worker] = JSON.parse((await batuta(cluster, "workers", "-o", "json")).out);
  process.kill(worker.pid, "SIGKILL");
  expect(await cluster.result("x")).toMatchObject({ status: "completed", attempts: 2 });
  await batuta(cluster, "scale", "3");
  await healthy(3);
  expect(engine.running()).toHaveLength(3);
  await batuta(cluster, "scale", "1");
  // Who left is removed, who was killed is kept for a look at its logs.
  await engine.until(() => engine.containers.length === 2);
  const states = engine.containers.map(({ state, exitCode }) => `${state} ${exitCode}`);
  expect(states.sort()).toEqual(["exited 137", "running 0"]);
});

test("workers in containers outlive their orchestrator, and the next leader starts no others", async ({
  task,
}) => {
  const { engine, cluster, healthy, live } = await dockerCluster(task);
  await healthy(1);
  const before = engine.running();
  cluster.firstOrchestrator.kill("SIGTERM");
  expect(await cluster.firstOrchestrator.exited()).toBe(0);
  const second = await cluster.orchestrator({ BATUTA_WORKER_ID: "v" });
  await batuta(cluster, "scale", "2");
  await engine.until(() => engine.running().length === 2);
  expect(engine.running()).toEqual([...before, "v-1"]);
  await cluster.states.until(() => live().includes("v-1"));
  await batuta(cluster, "scale", "1");
  await engine.until(() => engine.running().length === 1);
  expect(second.process.exitCode).toBeNull();
});

test("an image that holds no worker is not started again and again, though it ends without a fault", async ({
  task,
}) => {
  const nothing = { kill: () => {}, exited: async () => 0 };
  const { engine, cluster } = await dockerCluster(task, () => nothing);
  await cluster.firstOrchestrator.says(/w-\d+ ended \(code 0\).*"retryInMs":2000/);
  const created = engine.calls.filter((call) => call.endsWith("/create"));
  expect(created.length).toBeLessThan(8);
});
