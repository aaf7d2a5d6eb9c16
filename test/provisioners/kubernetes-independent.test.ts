import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { KubernetesProvisioner } from "../../src/provisioners/kubernetes.ts";
import { DEPLOYMENT, FakeKubernetes, NAMESPACE } from "./support/fake-kubernetes.ts";
import { isInstalled, testWith } from "./support/programs.ts";

const run = promisify(execFile);
const COST = "controller.kubernetes.io/pod-deletion-cost";
const withKubectl = testWith(isInstalled("kubectl"), "kubectl");
const withCurl = testWith(isInstalled("curl"), "curl");
const inTime = () => AbortSignal.timeout(5_000);

/** What stands in for a cluster in our tests is also asked by programs that know nothing of Batuta. */
async function setUp() {
  const cluster = new FakeKubernetes();
  const url = await cluster.listen();
  onTestFinished(() => cluster.close());
  cluster.setReplicas(2);
  const access = async () => ({ url, token: undefined, ca: undefined, namespace: NAMESPACE });
  const provisioner = new KubernetesProvisioner({
    access,
    deployment: DEPLOYMENT,
    maxWorkers: 20,
    say: () => {},
    now: Date.now,
  });
  return { cluster, url, provisioner };
}

withKubectl(
  "kubectl and our client agree about one API server: each sees what the other did",
  async () => {
    const { cluster, url, provisioner } = await setUp();
    const cache = await mkdtemp(join(tmpdir(), "batuta-kubectl-"));
    onTestFinished(() => rm(cache, { recursive: true, force: true }));
    const global = ["--server", url, "-n", NAMESPACE, "--cache-dir", cache, "--kubeconfig="];
    const kubectl = async (...args: string[]) =>
      (await run("kubectl", [...global, ...args])).stdout;

    await kubectl("scale", `deployment/${DEPLOYMENT}`, "--replicas=4");
    expect((await provisioner.list(inTime())).map(({ workerId }) => `pod/${workerId}`)).toEqual(
      (await kubectl("get", "pods", "-o", "name")).trim().split("\n"),
    );
    await provisioner.start(1, inTime());
    const scale = ["get", "deployment", DEPLOYMENT, "-o", "jsonpath={.spec.replicas}"];
    expect(await kubectl(...scale)).toBe("5");

    const [, second = ""] = cluster.names();
    cluster.isPrompt = false;
    await provisioner.retire([second], 0, inTime());
    const pod = JSON.parse(await kubectl("get", "pod", second, "-o", "json"));
    expect(pod.metadata.annotations).toEqual({ [COST]: "-1000" });
    expect(await kubectl(...scale)).toBe("4");
    await kubectl("annotate", "pod", second, `${COST}-`);
    await kubectl("scale", `deployment/${DEPLOYMENT}`, "--replicas=5");
    expect((await provisioner.list(inTime())).filter(({ leaving }) => leaving)).toEqual([]);
  },
  60_000,
);

withCurl("curl is refused by the API server as our client is: a stale version", async () => {
  const { cluster, url } = await setUp();
  const path = `${url}/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${DEPLOYMENT}/scale`;
  const curl = async (...args: string[]) => (await run("curl", ["-sS", ...args])).stdout;
  const scale = await curl(path);
  cluster.setReplicas(3);
  const put = ["-X", "PUT", "-H", "content-type: application/json", "-w", " %{http_code}"];
  expect(await curl(...put, "-d", scale, path)).toMatch(/"reason":"Conflict".* 409$/);
  const current = JSON.parse(await curl(path));
  current.spec.replicas = 1;
  expect(await curl(...put, "-d", JSON.stringify(current), path)).toMatch(/ 200$/);
  expect(cluster.replicas).toBe(1);
});

test("Node's own client sees the replicas that our client has written", async () => {
  const { url, provisioner } = await setUp();
  await provisioner.start(1, inTime());
  const path = `${url}/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${DEPLOYMENT}/scale`;
  const scale = await (await fetch(path)).json();
  expect(scale).toMatchObject({ kind: "Scale", spec: { replicas: 3 } });
});
