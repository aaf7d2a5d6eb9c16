import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { buildProgram } from "../../src/cli/program.ts";
import { loadConfig } from "../../src/config/load.ts";
import { routesOf } from "../../src/http/routes.ts";
import { KubernetesProvisioner } from "../../src/provisioners/kubernetes.ts";
import { FakeKubernetes, NAMESPACE } from "../provisioners/support/fake-kubernetes.ts";
import { isInstalled, testWith } from "../provisioners/support/programs.ts";
import { fakeTerminal } from "./fake-terminal.ts";
import { type Manifest, manifestsIn, rendered, shapeProblems } from "./kubernetes-manifests.ts";

const FOLDERS = ["base", "overlays/actuate", "overlays/keda"];
const base = manifestsIn("base");
const actuate = manifestsIn("overlays/actuate");
const keda = manifestsIn("overlays/keda");
const everything = [...base, ...actuate, ...keda];

const find = (manifests: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = manifests.find((each) => each.kind === kind && each.metadata?.name === name);
  if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
  return found;
};
const orchestrator = find(base, "Deployment", "batuta-orchestrator");
const worker = find(base, "Deployment", "batuta-worker");
const settingsOf = (manifests: readonly Manifest[], name: string) =>
  find(manifests, "ConfigMap", name).data as Record<string, string>;
const podOf = (deployment: Manifest) => deployment.spec.template.spec;
const containerOf = (deployment: Manifest) => podOf(deployment).containers[0];

/** The environment of a pod of this Deployment, secrets and names of pods made up. */
function environmentOf(manifests: readonly Manifest[], deployment: Manifest) {
  const { envFrom, env } = containerOf(deployment);
  const maps = envFrom.map((each: Manifest) => settingsOf(manifests, each.configMapRef.name));
  const own = env.map((each: Manifest) => [each.name, each.value ?? "made-up"]);
  return Object.assign({}, ...maps, Object.fromEntries(own)) as Record<string, string>;
}

/** The manifests of an overlay with what its patches change, as far as they do: settings. */
function withSettings(overlay: readonly Manifest[]): Manifest[] {
  const patch = settingsOf(overlay, "batuta-orchestrator-settings");
  return base.map((each) =>
    each.metadata?.name === "batuta-orchestrator-settings"
      ? { ...each, data: { ...each.data, ...patch } }
      : each,
  );
}

test("every manifest has the fields of its kind and no others", () => {
  expect(everything.length).toBeGreaterThan(12);
  expect(everything.flatMap(shapeProblems)).toEqual([]);
});

test.each([
  [{ apiVersion: "apps/v1beta1", kind: "Deployment" }, "there is no Deployment in apps/v1beta1"],
  [
    { apiVersion: "apps/v1", kind: "Deployment", spec: { replica: 1 } },
    "Deployment.spec.replica is not known",
  ],
  [
    { apiVersion: "v1", kind: "Service", spec: { ports: [{ port: 1 }, { prt: 1 }] } },
    "Service.spec.ports[1].prt is not known",
  ],
  [
    { apiVersion: "v1", kind: "ConfigMap", data: { A: { b: 1 } } },
    "ConfigMap.data.A is no plain value",
  ],
])("a fault is found: %j", (manifest, problem) => {
  expect(shapeProblems(manifest)).toEqual([problem]);
});

test("settings are texts, as Kubernetes wants them", () => {
  const maps = everything.filter(({ kind }) => kind === "ConfigMap");
  const values = maps.flatMap(({ data }) => Object.values(data));
  const own = [orchestrator, worker].flatMap((each) => containerOf(each).env);
  const given = own.flatMap(({ value }: Manifest) => value ?? []);
  expect(values.length).toBeGreaterThan(5);
  expect([...values, ...given].filter((value) => typeof value !== "string")).toEqual([]);
});

describe.each([
  ["base", base, "none"],
  ["actuate", withSettings(actuate), "kubernetes"],
  ["keda", withSettings(keda), "keda"],
] as const)("%s", (_name, manifests, provisioner) => {
  test("the settings are ones that Batuta takes, and choose who scales", () => {
    const { scaling, http } = loadConfig({ env: environmentOf(manifests, orchestrator) });
    expect(scaling.provisioner).toBe(provisioner);
    expect(http).toMatchObject({ host: "0.0.0.0", token: "made-up" });
    const { worker: settings, nats } = loadConfig({ env: environmentOf(manifests, worker) });
    expect(settings).toMatchObject({ id: "made-up", labels: { provisioner: "kubernetes" } });
    expect(nats.url).toBe("nats://nats:4222");
  });
});

test("selectors find the pods that they are for, and no others", () => {
  const labelsOf = (deployment: Manifest) => deployment.spec.template.metadata.labels;
  for (const deployment of [orchestrator, worker])
    expect(deployment.spec.selector.matchLabels).toEqual(labelsOf(deployment));
  expect(find(base, "Service", "batuta-orchestrator").spec.selector).toEqual(
    labelsOf(orchestrator),
  );
  expect(labelsOf(worker)).not.toEqual(labelsOf(orchestrator));
});

test("ports that are named exist, and are the one of BATUTA_HTTP_PORT", () => {
  const { ports, livenessProbe, readinessProbe, startupProbe } = containerOf(orchestrator);
  const [service] = find(base, "Service", "batuta-orchestrator").spec.ports;
  const { http } = loadConfig({ env: environmentOf(base, orchestrator) });
  expect(ports).toEqual([{ name: "http", containerPort: http.port }]);
  expect(service).toEqual({ name: "http", port: http.port, targetPort: "http" });
  for (const probe of [livenessProbe, readinessProbe, startupProbe])
    expect(probe.httpGet.port).toBe("http");
});

test("probes ask routes that need no token", () => {
  const routes = routesOf({} as never, {} as never).filter(({ open }) => open);
  const open = routes.map(({ path }) => path);
  const { livenessProbe, readinessProbe, startupProbe } = containerOf(orchestrator);
  expect(livenessProbe.httpGet.path).toBe("/livez");
  expect(readinessProbe.httpGet.path).toBe("/readyz");
  for (const { httpGet } of [livenessProbe, readinessProbe, startupProbe])
    expect(open).toContain(httpGet.path);
});

test("pods are given longer to end than Batuta takes", () => {
  const { process, worker: settings } = loadConfig({ env: environmentOf(base, worker) });
  for (const deployment of [orchestrator, worker]) {
    const graceMs = podOf(deployment).terminationGracePeriodSeconds * 1_000;
    expect(graceMs).toBeGreaterThan(process.shutdownTimeoutMs);
    expect(graceMs).toBeGreaterThan(settings.drainTimeoutMs);
  }
});

test("the id of a worker is the name of its pod, and Services add no unknown settings", () => {
  const id = containerOf(worker).env.find(({ name }: Manifest) => name === "BATUTA_WORKER_ID");
  expect(id.valueFrom).toEqual({ fieldRef: { fieldPath: "metadata.name" } });
  for (const deployment of [orchestrator, worker])
    expect(podOf(deployment).enableServiceLinks).toBe(false);
});

test("applying the manifests again leaves the number of workers alone", () => {
  const all = everything.filter(({ kind, metadata }) =>
    kind === "Deployment" ? metadata.name === "batuta-worker" : false,
  );
  expect(all).toHaveLength(1);
  for (const { spec } of all) expect(spec).not.toHaveProperty("replicas");
});

test("pods run commands of Batuta, without rights, and only the orchestrator may call Kubernetes", () => {
  const program = buildProgram({ terminal: fakeTerminal(), finish: () => {} });
  const commands = program.commands.map((command) => command.name());
  for (const deployment of [orchestrator, worker]) {
    const { args, securityContext } = containerOf(deployment);
    expect(commands).toContain(args[0]);
    expect(securityContext).toEqual({
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
    });
    expect(podOf(deployment).securityContext.runAsNonRoot).toBe(true);
  }
  const account = "batuta-orchestrator";
  expect(podOf(orchestrator).serviceAccountName).toBe(account);
  expect(podOf(orchestrator)).not.toHaveProperty("automountServiceAccountToken");
  expect(podOf(worker).automountServiceAccountToken).toBe(false);
  expect(find(base, "ServiceAccount", account).automountServiceAccountToken).toBe(false);
  expect(find(actuate, "ServiceAccount", account).automountServiceAccountToken).toBe(true);
});

test("the Role allows exactly what the provisioner calls, on the workers' Deployment alone", async () => {
  const cluster = new FakeKubernetes();
  const url = await cluster.listen();
  const { scaling } = loadConfig({ env: environmentOf(withSettings(actuate), orchestrator) });
  const provisioner = new KubernetesProvisioner({
    access: async () => ({ url, token: undefined, ca: undefined, namespace: NAMESPACE }),
    deployment: scaling.k8sDeployment,
    maxWorkers: scaling.maxWorkers,
    say: () => {},
    now: Date.now,
  });
  const signal = AbortSignal.timeout(5_000);
  await provisioner.start(2, signal);
  await provisioner.retire(cluster.names(), 0, signal);
  await cluster.close();
  const { rules } = find(actuate, "Role", "batuta-scaling");
  const allowed = rules.flatMap(({ resources, verbs }: Manifest) =>
    resources.flatMap((resource: string) => verbs.map((verb: string) => `${verb} ${resource}`)),
  );
  expect(allowed.sort()).toEqual([...new Set(cluster.calls)].sort());
  expect(rules[0].resourceNames).toEqual([worker.metadata.name]);
  expect(rules.map(({ apiGroups }: Manifest) => apiGroups)).toEqual([
    ["apps"],
    [""],
    ["autoscaling"],
  ]);
});

test("the Role is given to the account of the orchestrator", () => {
  const { roleRef, subjects } = find(actuate, "RoleBinding", "batuta-scaling");
  expect(roleRef).toMatchObject({ kind: "Role", name: "batuta-scaling" });
  expect(subjects).toEqual([
    { kind: "ServiceAccount", name: podOf(orchestrator).serviceAccountName },
  ]);
});

test("KEDA scales the workers between their limits, by one for each that is desired", () => {
  const { spec } = find(keda, "ScaledObject", "batuta-worker");
  const { scaling, http } = loadConfig({ env: environmentOf(base, orchestrator) });
  expect(spec.scaleTargetRef).toEqual({
    apiVersion: worker.apiVersion,
    kind: worker.kind,
    name: worker.metadata.name,
  });
  expect([spec.minReplicaCount, spec.maxReplicaCount]).toEqual([
    scaling.minWorkers,
    scaling.maxWorkers,
  ]);
  const [{ type, metadata, authenticationRef }] = spec.triggers;
  const { namespace } = manifestsIn("base").find(
    ({ kind }) => kind === "Kustomization",
  ) as Manifest;
  expect({ type, ...metadata }).toEqual({
    type: "metrics-api",
    url: `http://batuta-orchestrator.${namespace}.svc:${http.port}/scaling`,
    valueLocation: "desiredWorkers",
    targetValue: "1",
    authMode: "bearer",
  });
  expect(routesOf({} as never, {} as never).map(({ path }) => path)).toContain("/scaling");
  expect(readFileSync("src/messages/scaling.ts", "utf8")).toContain("readonly desiredWorkers:");
  const [token] = find(keda, "TriggerAuthentication", authenticationRef.name).spec.secretTargetRef;
  const secret = containerOf(orchestrator).env.find(
    ({ name }: Manifest) => name === "BATUTA_HTTP_TOKEN",
  );
  const { name, key } = secret.valueFrom.secretKeyRef;
  expect(token).toEqual({ parameter: "token", name, key });
});

test.each(FOLDERS)("every file of %s is named by its kustomization, and is there", (folder) => {
  const own = manifestsIn(folder).find(({ kind }) => kind === "Kustomization") as Manifest;
  const { resources, patches = [] } = own;
  const named = [...resources, ...patches.map(({ path }: Manifest) => path)] as string[];
  const files = readdirSync(`deploy/kubernetes/${folder}`).filter((name) => name.endsWith(".yaml"));
  expect(named.filter((name) => name !== "../../base").sort()).toEqual(
    files.filter((name) => name !== "kustomization.yaml").sort(),
  );
  expect(named.includes("../../base")).toBe(folder !== "base");
});

const PROVISIONERS = { base: "none", "overlays/actuate": "kubernetes", "overlays/keda": "keda" };

testWith(isInstalled("kubectl"), "kubectl").each(Object.entries(PROVISIONERS))(
  "kubectl renders %s into what Batuta takes",
  { timeout: 60_000 },
  (folder, provisioner) => {
    const all = rendered(folder);
    expect(new Set(all.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["batuta"]));
    const deployments = all.filter(({ kind }) => kind === "Deployment");
    expect(deployments.map((each) => containerOf(each).image)).toEqual([
      "batuta:local",
      "batuta:local",
    ]);
    const env = environmentOf(all, find(all, "Deployment", "batuta-orchestrator"));
    expect(loadConfig({ env }).scaling).toMatchObject({ provisioner, minWorkers: 2 });
    const account = find(all, "ServiceAccount", "batuta-orchestrator");
    expect(account.automountServiceAccountToken).toBe(provisioner === "kubernetes");
    const bindings = all.filter(({ kind }) => kind === "RoleBinding");
    expect(bindings).toHaveLength(provisioner === "kubernetes" ? 1 : 0);
    for (const { subjects } of bindings) expect(subjects[0].namespace).toBe("batuta");
  },
);
