import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

const ROOT = fileURLToPath(new URL("../../deploy/kubernetes", import.meta.url));

/** A manifest as plain data. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  // biome-ignore lint/suspicious/noExplicitAny: what it holds is what the tests are about
  readonly [field: string]: any;
}

/** Every manifest of a folder, by file and place in it, without kustomize. */
export function manifestsIn(folder: string): Manifest[] {
  return readdirSync(`${ROOT}/${folder}`)
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => parsed(readFileSync(`${ROOT}/${folder}/${name}`, "utf8"), name));
}

/** What `kubectl kustomize` makes of a folder. */
export function rendered(folder: string): Manifest[] {
  const { status, stdout, stderr } = spawnSync("kubectl", ["kustomize", `${ROOT}/${folder}`], {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`kubectl kustomize ${folder}: ${stderr}`);
  return parsed(stdout, folder);
}

function parsed(text: string, where: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = [...document.errors, ...document.warnings];
    if (error !== undefined) throw new Error(`${where}: ${error.message}`);
    return document.toJS() as Manifest;
  });
}

/** The fields of a kind that Batuta's manifests use; `true` for a plain value, a list has its items' shape. */
type Shape = true | { readonly [field: string]: Shape };

const META: Shape = { name: true, labels: { "*": true } };
const LABELS: Shape = { "*": true };
const PROBE: Shape = {
  httpGet: { path: true, port: true },
  periodSeconds: true,
  timeoutSeconds: true,
  failureThreshold: true,
};
const CONTAINER: Shape = {
  name: true,
  image: true,
  args: true,
  envFrom: { configMapRef: { name: true } },
  env: {
    name: true,
    value: true,
    valueFrom: { secretKeyRef: { name: true, key: true }, fieldRef: { fieldPath: true } },
  },
  ports: { name: true, containerPort: true },
  livenessProbe: PROBE,
  readinessProbe: PROBE,
  startupProbe: PROBE,
  resources: { requests: { cpu: true, memory: true }, limits: { memory: true } },
  securityContext: { allowPrivilegeEscalation: true, capabilities: { drop: true } },
};
const POD: Shape = {
  serviceAccountName: true,
  automountServiceAccountToken: true,
  enableServiceLinks: true,
  terminationGracePeriodSeconds: true,
  securityContext: { runAsNonRoot: true, runAsUser: true, seccompProfile: { type: true } },
  containers: CONTAINER,
};

const SHAPES: Readonly<Record<string, Shape>> = {
  "v1 ConfigMap": { metadata: META, data: { "*": true } },
  "v1 ServiceAccount": { metadata: META, automountServiceAccountToken: true },
  "v1 Service": {
    metadata: META,
    spec: { selector: LABELS, ports: { name: true, port: true, targetPort: true } },
  },
  "apps/v1 Deployment": {
    metadata: META,
    spec: {
      replicas: true,
      selector: { matchLabels: LABELS },
      template: { metadata: { labels: LABELS }, spec: POD },
    },
  },
  "rbac.authorization.k8s.io/v1 Role": {
    metadata: META,
    rules: { apiGroups: true, resources: true, resourceNames: true, verbs: true },
  },
  "rbac.authorization.k8s.io/v1 RoleBinding": {
    metadata: META,
    roleRef: { apiGroup: true, kind: true, name: true },
    subjects: { kind: true, name: true },
  },
  "kustomize.config.k8s.io/v1beta1 Kustomization": {
    namespace: true,
    resources: true,
    patches: { path: true },
    images: { name: true, newName: true, newTag: true },
  },
  "keda.sh/v1alpha1 ScaledObject": {
    metadata: META,
    spec: {
      scaleTargetRef: { apiVersion: true, kind: true, name: true },
      minReplicaCount: true,
      maxReplicaCount: true,
      pollingInterval: true,
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: { scaleDown: { stabilizationWindowSeconds: true } },
        },
      },
      triggers: {
        type: true,
        metadata: {
          url: true,
          valueLocation: true,
          targetValue: true,
          authMode: true,
        },
        authenticationRef: { name: true },
      },
    },
  },
  "keda.sh/v1alpha1 TriggerAuthentication": {
    metadata: META,
    spec: { secretTargetRef: { parameter: true, name: true, key: true } },
  },
};

/** One line for each field that its kind has not, or that is no plain value where one is due. */
export function shapeProblems({ apiVersion, kind, ...fields }: Manifest): string[] {
  const shape = SHAPES[`${apiVersion} ${kind}`];
  return shape === undefined
    ? [`there is no ${kind} in ${apiVersion}`]
    : differences(fields, shape, kind);
}

function differences(value: unknown, shape: Shape, path: string): string[] {
  if (Array.isArray(value))
    return value.flatMap((item, index) => differences(item, shape, `${path}[${index}]`));
  const isObject = typeof value === "object" && value !== null;
  if (shape === true) return isObject || value === null ? [`${path} is no plain value`] : [];
  if (!isObject) return [`${path} is no object`];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = shape[name] ?? shape["*"];
    return known === undefined
      ? [`${path}.${name} is not known`]
      : differences(inner, known, `${path}.${name}`);
  });
}
