import { expect, onTestFinished, test } from "vitest";
import { KubernetesProvisioner } from "../../src/provisioners/kubernetes.ts";
import { ProvisionError, type WorkerExit } from "../../src/provisioners/provisioner.ts";
import { DEPLOYMENT, FakeKubernetes, NAMESPACE } from "./support/fake-kubernetes.ts";

const open = new AbortController().signal;
const inTime = () => AbortSignal.timeout(5_000);

async function setUp(replicas = 0, maxWorkers = 20) {
  const cluster = new FakeKubernetes();
  const url = await cluster.listen();
  onTestFinished(() => cluster.close());
  cluster.setReplicas(replicas);
  const said: string[] = [];
  const exits: WorkerExit[] = [];
  const access = { url, token: "t", ca: undefined, namespace: NAMESPACE };
  const make = () =>
    new KubernetesProvisioner({
      access: async () => access,
      deployment: DEPLOYMENT,
      maxWorkers,
      say: (line) => void said.push(line),
      now: () => 9_000,
    });
  const provisioner = make();
  provisioner.onExit((exit) => exits.push(exit));
  const list = () => provisioner.list(inTime());
  const ids = async () => (await list()).filter(({ leaving }) => !leaving).map((w) => w.workerId);
  return { cluster, provisioner, make, said, exits, list, ids };
}

test("more replicas are asked for, and their pods are the workers", async () => {
  const { cluster, provisioner, ids } = await setUp(2);
  await provisioner.start(3, inTime());
  expect(cluster.replicas).toBe(5);
  expect(await ids()).toEqual(cluster.names());
  expect(cluster.names()).toHaveLength(5);
});

test("replicas without a pod yet count as workers to come, so that they are not asked for twice", async () => {
  const { cluster, provisioner, list } = await setUp(1);
  cluster.isPrompt = false;
  await provisioner.start(2, inTime());
  const workers = await list();
  expect(workers.map(({ handle }) => handle)).toEqual([
    ...cluster.names(),
    "no pod yet",
    "no pod yet",
  ]);
  expect(workers.filter(({ leaving }) => leaving)).toEqual([]);
  cluster.reconcile();
  expect((await list()).map(({ workerId }) => workerId)).toEqual(cluster.names());
});

test("the pods to retire are marked as cheapest before replicas are lowered, so that they go", async () => {
  const { cluster, provisioner, ids } = await setUp(4);
  const [first = "", second = "", ...others] = cluster.names();
  cluster.calls.length = 0;
  await provisioner.retire([first, second], 60_000, inTime());
  expect(cluster.replicas).toBe(2);
  expect(await ids()).toEqual(others);
  const marks = cluster.calls.lastIndexOf("patch pods");
  expect(marks).toBeGreaterThan(0);
  expect(marks).toBeLessThan(cluster.calls.indexOf("update deployments/scale"));
});

test("retiring the same workers again lowers replicas once, also before their pods are gone", async () => {
  const { cluster, provisioner } = await setUp(4);
  cluster.isPrompt = false;
  const [first = "", second = ""] = cluster.names();
  for (let time = 0; time < 3; time += 1) await provisioner.retire([first], 0, inTime());
  expect(cluster.replicas).toBe(3);
  await provisioner.retire([first, second], 0, inTime());
  expect(cluster.replicas).toBe(2);
  cluster.reconcile();
  await provisioner.retire([first, second], 0, inTime());
  cluster.endTerminating();
  await provisioner.retire([first, second, "never-was"], 0, inTime());
  expect(cluster.replicas).toBe(2);
});

test("a retirement that was cut off between its mark and its write is completed by the next", async () => {
  const { cluster, provisioner } = await setUp(3);
  const [first = ""] = cluster.names();
  cluster.forbidden = "update deployments/scale";
  await expect(provisioner.retire([first], 0, inTime())).rejects.toThrow(ProvisionError);
  expect(cluster.replicas).toBe(3);
  cluster.forbidden = "";
  await provisioner.retire([first], 0, inTime());
  expect(cluster.replicas).toBe(2);
  expect(cluster.names()).not.toContain(first);
});

test("a worker that was to go and is needed after all loses its mark", async () => {
  const { cluster, provisioner, ids } = await setUp(3);
  cluster.isPrompt = false;
  const [first = ""] = cluster.names();
  await provisioner.retire([first], 0, inTime());
  expect(await ids()).not.toContain(first);
  await provisioner.start(1, inTime());
  expect(cluster.replicas).toBe(3);
  expect(cluster.pods.get(first)?.metadata.annotations).toEqual({});
  expect(await ids()).toContain(first);
});

test("replicas never go below 0, nor above the most", async () => {
  const { cluster, provisioner } = await setUp(2, 4);
  await provisioner.start(10, inTime());
  expect(cluster.replicas).toBe(4);
  await expect(provisioner.start(1, inTime())).rejects.toThrow(
    "the Deployment batuta-worker has 4 replicas already: no more than 4 are started (BATUTA_SCALING_MAX_WORKERS)",
  );
  const all = cluster.names();
  cluster.setReplicas(1);
  cluster.endTerminating();
  await provisioner.retire([...all, ...all], 0, inTime());
  expect(cluster.replicas).toBe(0);
  expect(await provisioner.list(inTime())).toMatchObject([{ leaving: true }]);
});

test("retiring more pods than there are to be replicas leaves none, not fewer", async () => {
  const { cluster, provisioner } = await setUp(4);
  cluster.isPrompt = false;
  cluster.setReplicas(1);
  await provisioner.retire(cluster.names(), 0, inTime());
  expect(cluster.replicas).toBe(0);
});

test("a change by somebody else between reading and writing is read again, and counts", async () => {
  const { cluster, provisioner } = await setUp(2);
  cluster.conflicts = 3;
  await provisioner.start(1, inTime());
  expect(cluster.replicas).toBe(3);
});

test("somebody who changes the Deployment without end is told, and replicas are as they were", async () => {
  const { cluster, provisioner } = await setUp(2);
  cluster.conflicts = 1_000;
  await expect(provisioner.start(1, inTime())).rejects.toThrow("5 times in a row");
  expect(cluster.replicas).toBe(2);
  expect(cluster.calls.filter((call) => call === "update deployments/scale")).toHaveLength(5);
});

test.each([
  ["get deployments/scale", '"get" the resource "deployments/scale" of the API group "apps"'],
  ["update deployments/scale", '"update" the resource "deployments/scale"'],
  ["list pods", '"list" the resource "pods" of the core API group in the namespace flows'],
  ["patch pods", '"patch" the resource "pods"'],
  [
    "list horizontalpodautoscalers",
    '"list" the resource "horizontalpodautoscalers" of the API group "autoscaling"',
  ],
])(
  "a ServiceAccount that may not %s is told which right it lacks, and where it is granted",
  async (call, named) => {
    const { cluster, provisioner } = await setUp(2);
    cluster.forbidden = call;
    const failed = provisioner.retire(cluster.names().slice(0, 1), 0, inTime());
    await expect(failed).rejects.toThrow(named);
    await expect(failed).rejects.toThrow("deploy/kubernetes/overlays/actuate/role.yaml grants it");
    expect(cluster.replicas).toBe(2);
  },
);

const hpa = (name: string, target: string, owners: object[] = []) => ({
  metadata: { name, ownerReferences: owners },
  spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: target } },
});

test("a HorizontalPodAutoscaler that owns the Deployment is named, and nothing is changed", async () => {
  const { cluster, provisioner } = await setUp(2);
  cluster.autoscalers = [hpa("of-another", "web"), hpa("by-cpu", DEPLOYMENT)];
  const told = "batuta-worker is scaled by the HorizontalPodAutoscaler by-cpu";
  await expect(provisioner.start(1, inTime())).rejects.toThrow(told);
  await expect(provisioner.retire(cluster.names(), 0, inTime())).rejects.toThrow(told);
  expect(cluster.replicas).toBe(2);
  expect(cluster.calls).not.toContain("patch pods");
  cluster.autoscalers = [hpa("of-another", "web")];
  await provisioner.start(1, inTime());
  expect(cluster.replicas).toBe(3);
});

test("a KEDA ScaledObject that owns the Deployment is named", async () => {
  const { cluster, provisioner } = await setUp(2);
  const owner = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "workers" };
  cluster.autoscalers = [hpa("keda-hpa-workers", DEPLOYMENT, [owner])];
  await expect(provisioner.start(1, inTime())).rejects.toThrow(
    "scaled by the KEDA ScaledObject workers, by the HorizontalPodAutoscaler keda-hpa-workers",
  );
});

test("an API server that hangs is left in time, and nothing is changed behind our back", async () => {
  const { cluster, provisioner } = await setUp(2);
  cluster.hangs = true;
  const over = new AbortController();
  const started = provisioner.start(1, over.signal);
  await cluster.requested();
  over.abort(new Error("took too long"));
  await expect(started).rejects.toThrow("took too long");
  cluster.hangs = false;
  expect(cluster.replicas).toBe(2);
});

test.each([
  ["<html>", "the scale of a Deployment"],
  [
    '{"metadata":{"resourceVersion":"1"},"spec":{"replicas":-3},"status":{"selector":"a=b"}}',
    "the scale of a Deployment",
  ],
  [
    '{"metadata":{"resourceVersion":"1"},"spec":{"replicas":2},"status":{"selector":""}}',
    "the scale",
  ],
  ['{"metadata":{"resourceVersion":"1"},"spec":{"replicas":2},"status":{}}', "the scale"],
  ["null", "the scale of a Deployment"],
])("an API server that answers with nonsense is told: %s", async (garbage, expected) => {
  const { cluster, provisioner } = await setUp(2);
  cluster.garbage = garbage;
  await expect(provisioner.list(inTime())).rejects.toThrow(
    `the API server did not answer with ${expected}`,
  );
});

test("pods of others, pods that have ended and pods that are no workers are not counted", async () => {
  const { cluster, ids, provisioner } = await setUp(2);
  const [first = ""] = cluster.names();
  cluster.addPod({ name: "stray", owner: "another-5d9c7b" });
  cluster.addPod({ name: "with.dots" });
  cluster.addPod({ status: { phase: "Failed" } });
  cluster.pods.set("again", cluster.pods.get(first) as NonNullable<unknown> as never);
  expect(await ids()).toHaveLength(2);
  await provisioner.retire(["stray", "with.dots"], 0, inTime());
  expect(cluster.replicas).toBe(2);
});

test("pods that a person adds or takes are seen, and one that is gone is told once", async () => {
  const { cluster, exits, ids } = await setUp(2);
  const [first = "", second = ""] = cluster.names();
  await ids();
  cluster.pods.delete(first);
  cluster.reconcile();
  expect(await ids()).toEqual([second, cluster.names()[1]]);
  expect(exits).toEqual([]);
  for (let look = 0; look < 3; look += 1) await ids();
  expect(exits).toEqual([
    { workerId: first, code: null, signal: null, how: "its pod is gone", expected: true },
  ]);
});

test("a list that leaves a worker out for once does not end it", async () => {
  const { cluster, exits, ids } = await setUp(2);
  const [first = ""] = cluster.names();
  for (let look = 0; look < 3; look += 1) {
    const pod = cluster.pods.get(first);
    await ids();
    cluster.pods.delete(first);
    await ids();
    if (pod !== undefined) cluster.pods.set(first, pod);
  }
  expect(exits).toEqual([]);
});

test("replicas beyond all reason are listed as far as settings reach, and not raised", async () => {
  const { cluster, provisioner, list } = await setUp(1);
  cluster.isPrompt = false;
  cluster.setReplicas(2_000_000_000);
  expect(await list()).toHaveLength(10_001);
  await expect(provisioner.start(1, inTime())).rejects.toThrow("has 2000000000 replicas already");
});

test("two leaders at once lose no start of each other, and together heed the most", async () => {
  const { cluster, provisioner, make } = await setUp(2, 5);
  await using other = make();
  await Promise.all([provisioner.start(1, inTime()), other.start(1, inTime())]);
  expect(cluster.replicas).toBe(4);
  const both = [provisioner.start(1, inTime()), other.start(1, inTime())];
  const outcomes = (await Promise.allSettled(both)).map(({ status }) => status);
  expect(outcomes.sort()).toEqual(["fulfilled", "rejected"]);
  expect(cluster.replicas).toBe(5);
});

test("during a rollout the older pods count as leaving, not as too many", async () => {
  const { cluster, ids } = await setUp(2);
  const [oldest, ...others] = cluster.names();
  const surge = cluster.addPod({ owner: `${DEPLOYMENT}-77aa` }).metadata.name;
  expect(await ids()).toEqual([...others, surge]);
  expect(await ids()).not.toContain(oldest);
});

test("a pod that cannot run is told once with the reason of the cluster", async () => {
  const { cluster, said, list } = await setUp(1);
  const [first = ""] = cluster.names();
  const waiting = { reason: "ImagePullBackOff", message: "no such image" };
  Object.assign(cluster.pods.get(first)?.status ?? {}, {
    containerStatuses: [{ state: { waiting } }],
  });
  const reason = { type: "PodScheduled", status: "False", reason: "Unschedulable" };
  cluster.addPod({ name: "batuta-worker-5d9c7b-x", status: { conditions: [reason] } });
  cluster.addPod({
    name: "batuta-worker-5d9c7b-y",
    status: { containerStatuses: [{ state: { waiting: { reason: "ContainerCreating" } } }] },
  });
  await list();
  await list();
  expect(said).toEqual([
    `pod ${first} does not run: ImagePullBackOff: no such image`,
    "pod batuta-worker-5d9c7b-x does not run: Unschedulable",
  ]);
});

test("a new leader finds the workers of the one before it, and leaves them running at its end", async () => {
  const { cluster, provisioner, make, ids } = await setUp(2);
  await provisioner.start(1, inTime());
  await provisioner[Symbol.asyncDispose]();
  await expect(provisioner.start(1, open)).rejects.toThrow("the provisioner is closed");
  await using successor = make();
  expect((await successor.list(inTime())).map(({ workerId }) => workerId)).toEqual(await ids());
  expect(cluster.replicas).toBe(3);
});

test("an API server that is away, or that knows no such Deployment, is told", async () => {
  const { cluster, provisioner } = await setUp(1);
  const unknown = new KubernetesProvisioner({
    access: async () => ({ url: cluster.url, token: "t", ca: undefined, namespace: NAMESPACE }),
    deployment: "wrong",
    namespace: "elsewhere",
    maxWorkers: 1,
    say: () => {},
    now: Date.now,
  });
  await expect(unknown.list(inTime())).rejects.toThrow(
    "there is no Deployment wrong in the namespace elsewhere (BATUTA_SCALING_K8S_DEPLOYMENT, BATUTA_SCALING_K8S_NAMESPACE)",
  );
  await cluster.close();
  await expect(provisioner.list(inTime())).rejects.toThrow(/at http:\S+ cannot be called: /);
});
