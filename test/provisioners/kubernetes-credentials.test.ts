import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { KubernetesProvisioner } from "../../src/provisioners/kubernetes.ts";
import { inClusterAccess } from "../../src/provisioners/kubernetes-credentials.ts";
import { DEPLOYMENT, FakeKubernetes, NAMESPACE } from "./support/fake-kubernetes.ts";
import { CERTIFICATE, KEY } from "./support/test-certificate.ts";

const inTime = () => AbortSignal.timeout(5_000);

/** A pod: an API server with TLS, and a directory with what Kubernetes mounts. */
async function setUp(ca = CERTIFICATE) {
  const cluster = new FakeKubernetes({ token: "first", tls: { key: KEY, cert: CERTIFICATE } });
  await cluster.listen();
  onTestFinished(() => cluster.close());
  const directory = await mkdtemp(join(tmpdir(), "batuta-account-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const mount = (name: string, text: string) => writeFile(join(directory, name), text);
  await mount("token", "first\n");
  await mount("ca.crt", ca);
  await mount("namespace", NAMESPACE);
  const service = { host: "127.0.0.1", port: String(cluster.port) };
  const provisioner = new KubernetesProvisioner({
    access: inClusterAccess(service, directory),
    deployment: DEPLOYMENT,
    maxWorkers: 5,
    say: () => {},
    now: Date.now,
  });
  return { cluster, provisioner, mount, directory };
}

test("inside a cluster the mounted token, certificate and namespace are used", async () => {
  const { cluster, provisioner } = await setUp();
  await provisioner.start(2, inTime());
  expect(cluster.replicas).toBe(2);
  expect(new Set(cluster.tokens)).toEqual(new Set(["Bearer first"]));
});

test("a token that was replaced is used from the next call on", async () => {
  const { cluster, provisioner, mount } = await setUp();
  await provisioner.list(inTime());
  await mount("token", "second");
  await expect(provisioner.list(inTime())).rejects.toThrow("does not take the token");
  expect(cluster.tokens.at(-1)).toBe("Bearer second");
});

test("a server whose certificate was signed by somebody else is not told the token", async () => {
  const { cluster, provisioner } = await setUp("");
  await expect(provisioner.list(inTime())).rejects.toThrow("cannot be called: self-signed");
  expect(cluster.tokens).toEqual([]);
});

test("without a mounted token it is told what is missing", async () => {
  const { directory } = await setUp();
  await rm(join(directory, "token"));
  const access = inClusterAccess({ host: "::1", port: "1" }, directory);
  await expect(access()).rejects.toThrow("automountServiceAccountToken: true");
});

test("an IPv6 address of the API server is put in brackets", async () => {
  const { directory } = await setUp();
  const access = inClusterAccess({ host: "fd00::1", port: "443" }, directory);
  expect(await access()).toMatchObject({ url: "https://[fd00::1]:443", namespace: NAMESPACE });
});
