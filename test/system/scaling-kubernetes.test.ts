import { createServer } from "node:net";
import { expect, onTestFinished, type TestContext, test } from "vitest";
import { connectBus } from "../../src/bus/connect.ts";
import { loadConfig } from "../../src/config/load.ts";
import type { ExecutionResult } from "../../src/messages/result.ts";
import { runOrchestrator } from "../../src/processes/run-orchestrator.ts";
import { KubernetesProvisioner } from "../../src/provisioners/kubernetes.ts";
import { createLog } from "../../src/telemetry/log.ts";
import { DEPLOYMENT, FakeKubernetes, NAMESPACE } from "../provisioners/support/fake-kubernetes.ts";
import { kedaClient } from "../provisioners/support/keda-client.ts";
import { Child } from "../support/child.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { testPrefix, useNats } from "../support/nats.ts";
import { Recording } from "../support/record.ts";
import { FAST_SCALING } from "../support/scaling-env.ts";

const nats = useNats();

const SCALING = {
  ...FAST_SCALING,
  BATUTA_SCALING_MAX_WORKERS: "3",
  BATUTA_WORKER_HEARTBEAT_INTERVAL: "400ms",
  BATUTA_HTTP_ENABLED: "false",
};

/** As a kubelet does: a process for each pod, started again when it ends, SIGTERM when the pod is to end. */
function runPods(cluster: FakeKubernetes, env: Readonly<Record<string, string>>) {
  const running = new Map<string, Child>();
  let isOver = false;
  const start = (name: string) => {
    const labels = "provisioner=kubernetes";
    const own = { BATUTA_WORKER_ID: name, BATUTA_WORKER_LABELS: labels };
    const child = new Child(["worker"], { ...env, ...own });
    running.set(name, child);
    void child.exited().then(() => {
      running.delete(name);
      const isTerminating = cluster.pods.get(name)?.metadata.deletionTimestamp !== undefined;
      if (isTerminating) cluster.pods.delete(name);
      else if (!isOver) start(name);
    });
  };
  cluster.created = start;
  cluster.terminated = (name) => running.get(name)?.kill("SIGTERM");
  onTestFinished(async () => {
    isOver = true;
    await Promise.all([...running.values()].map((child) => child[Symbol.asyncDispose]()));
  });
}

/** An orchestrator of this process that scales a cluster whose pods are real workers. */
async function setUp(task: TestContext["task"]) {
  const prefix = testPrefix(task);
  const env = { ...SCALING, BATUTA_NATS_URL: nats.url, BATUTA_SUBJECT_PREFIX: prefix };
  const config = loadConfig({ env });
  const cluster = new FakeKubernetes();
  const url = await cluster.listen();
  onTestFinished(() => cluster.close());
  runPods(cluster, env);
  const bus = await connectBus({ url: nats.url, prefix, name: `test ${prefix}` });
  onTestFinished(() => bus.close());
  const log = createLog({ level: "silent", format: "json", base: {} });
  const said: string[] = [];
  const provisioner = new KubernetesProvisioner({
    access: async () => ({ url, token: undefined, ca: undefined, namespace: NAMESPACE }),
    deployment: DEPLOYMENT,
    maxWorkers: config.scaling.maxWorkers,
    say: (line) => said.push(line),
    now: Date.now,
  });
  const results = new Recording<ExecutionResult>(bus.nc, bus.names.result("*"));
  const running = await runOrchestrator(config, nats.url, log, { provisioner });
  onTestFinished(() => running.stop("the test is over"));
  const publish = async (executionId: string) => {
    const body = JSON.stringify({ flowId: "slow", executionId, flowData: slowFlow(300) });
    await bus.js.publish(bus.names.execute("normal"), new TextEncoder().encode(body));
  };
  return { cluster, results, publish, orchestrator: running.orchestrator };
}

test("a burst raises the replicas of a Deployment, and its end lowers them, with nothing failed or repeated", async ({
  task,
}) => {
  const { cluster, results, publish } = await setUp(task);
  let most = 0;
  await expect.poll(() => cluster.replicas, { timeout: 20_000 }).toBe(1);
  const ids = Array.from({ length: 120 }, (_, index) => `burst-${index}`);
  for (const executionId of ids) await publish(executionId);
  await expect.poll(() => (most = Math.max(most, cluster.replicas)), { timeout: 20_000 }).toBe(3);
  await results.until((all) => all.length === ids.length);
  for (const { status, attempts } of results.bodies)
    expect({ status, attempts }).toEqual({ status: "completed", attempts: 1 });
  await expect
    .poll(() => [cluster.replicas, cluster.pods.size], { timeout: 30_000 })
    .toEqual([1, 1]);
});

test("KEDA hears at once that a worker is needed, and reads how many", async ({ task }) => {
  const port = await freePort();
  const cluster = await Cluster.start(task, nats, {
    ...SCALING,
    BATUTA_SCALING_PROVISIONER: "keda",
    BATUTA_SCALING_KEDA_PORT: String(port),
    BATUTA_SCALING_MIN_WORKERS: "0",
  });
  const { ask, stream } = kedaClient(port);
  const { until } = stream();
  expect(await until(1)).toEqual([{ result: false }]);
  await cluster.publish("normal", { flowId: "noop", executionId: "x", flowData: NOOP_FLOW });
  expect(await until(2)).toEqual([{ result: false }, { result: true }]);
  expect(await batuta(cluster, "scale", "3")).toMatchObject({ exitCode: 0 });
  const desired = async () => {
    const { metricValues } = (await ask("GetMetrics", {})) as {
      metricValues: { metricValueFloat: number }[];
    };
    return metricValues[0]?.metricValueFloat;
  };
  await expect.poll(desired, { timeout: 10_000 }).toBe(3);
  await cluster.worker("by-keda");
  expect(await cluster.result("x")).toMatchObject({ status: "completed" });
});

test("where gRPC cannot listen the orchestrator does not start, and says what to set", async ({
  task,
}) => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void taken.close());
  const port = (taken.address() as { port: number }).port;
  const env = { BATUTA_SCALING_PROVISIONER: "keda", BATUTA_SCALING_KEDA_PORT: String(port) };
  const settings = { ...SCALING, ...env, BATUTA_NATS_URL: nats.url };
  await using child = new Child(["run"], { ...settings, BATUTA_SUBJECT_PREFIX: testPrefix(task) });
  expect(await child.exited()).toBe(2);
  expect(child.output).toContain("BATUTA_SCALING_KEDA_PORT");
});

test("outside of a cluster the orchestrator does not start with kubernetes, and says why", async ({
  task,
}) => {
  const env = { BATUTA_SCALING_PROVISIONER: "kubernetes", KUBERNETES_SERVICE_HOST: "" };
  const settings = { ...SCALING, ...env, BATUTA_NATS_URL: nats.url };
  await using child = new Child(["run"], { ...settings, BATUTA_SUBJECT_PREFIX: testPrefix(task) });
  expect(await child.exited()).toBe(2);
  expect(child.output).toContain("KUBERNETES_SERVICE_HOST is not set");
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}
