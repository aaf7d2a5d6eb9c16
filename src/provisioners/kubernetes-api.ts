import { callJson, type JsonAnswer, type JsonCall, messageOf } from "./kubernetes-call.ts";
import type { AccessSource, KubernetesAccess } from "./kubernetes-credentials.ts";
import { DELETION_COST, podsOf, RETIRED_COST, type WorkerPod } from "./kubernetes-pods.ts";
import { ProvisionError } from "./provisioner.ts";

/** How many replicas a Deployment is to have, as of one version of it. */
export interface Scale {
  readonly replicas: number;
  readonly resourceVersion: string;
  /** Of its pods. */
  readonly selector: string;
}

/** What a Role has to allow for a call. */
interface Permission {
  readonly verb: string;
  readonly resource: string;
  readonly group: string;
}

const READ_SCALE: Permission = { verb: "get", resource: "deployments/scale", group: "apps" };
const WRITE_SCALE: Permission = { verb: "update", resource: "deployments/scale", group: "apps" };
const LIST_PODS: Permission = { verb: "list", resource: "pods", group: "" };
const MARK_PODS: Permission = { verb: "patch", resource: "pods", group: "" };
const LIST_AUTOSCALERS: Permission = {
  verb: "list",
  resource: "horizontalpodautoscalers",
  group: "autoscaling",
};

const ROLE = "deploy/kubernetes/overlays/actuate/role.yaml";

/** The few calls of the Kubernetes API that scaling one Deployment takes. */
export class KubernetesApi {
  readonly #access: AccessSource;
  readonly #deployment: string;
  readonly #namespace: string | undefined;

  /** `namespace`: that of the Deployment; undefined for that of the pod which calls. */
  constructor(access: AccessSource, deployment: string, namespace: string | undefined) {
    this.#access = access;
    this.#deployment = deployment;
    this.#namespace = namespace;
  }

  async readScale(signal: AbortSignal): Promise<Scale> {
    const answer = await this.#call(READ_SCALE, "GET", this.#scalePath, signal);
    return scaleOf(answer);
  }

  /** False when the Deployment has changed since it was read: read it again. */
  async writeScale({ resourceVersion }: Scale, replicas: number, signal: AbortSignal) {
    const make = (namespace: string): JsonCall => ({
      method: "PUT",
      path: this.#scalePath(namespace),
      body: {
        apiVersion: "autoscaling/v1",
        kind: "Scale",
        metadata: { name: this.#deployment, namespace, resourceVersion },
        spec: { replicas },
      },
    });
    const answer = await this.#send(WRITE_SCALE, make, signal, [409]);
    return answer.status !== 409;
  }

  async listPods({ selector }: Scale, signal: AbortSignal): Promise<readonly WorkerPod[]> {
    const query = `labelSelector=${encodeURIComponent(selector)}`;
    const path = (namespace: string) => `/api/v1/namespaces/${namespace}/pods?${query}`;
    const answer = await this.#call(LIST_PODS, "GET", path, signal);
    const pods = podsOf(answer.body, this.#deployment);
    if (pods === undefined) throw nonsense("a list of pods", answer);
    return pods;
  }

  /** Says of a pod whether it is to go first; one that is gone is passed over. */
  async markPod(name: string, isToGo: boolean, signal: AbortSignal): Promise<void> {
    const annotations = { [DELETION_COST]: isToGo ? RETIRED_COST : null };
    const make = (namespace: string): JsonCall => ({
      method: "PATCH",
      path: `/api/v1/namespaces/${namespace}/pods/${name}`,
      body: { metadata: { annotations } },
      contentType: "application/merge-patch+json",
    });
    await this.#send(MARK_PODS, make, signal, [404]);
  }

  /** Who else scales the Deployment, as people name it; undefined where nobody does. */
  async rival(signal: AbortSignal): Promise<string | undefined> {
    const path = (namespace: string) =>
      `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers`;
    const answer = await this.#call(LIST_AUTOSCALERS, "GET", path, signal);
    const { items } = (answer.body ?? {}) as { items?: unknown };
    if (!Array.isArray(items)) throw nonsense("a list of HorizontalPodAutoscalers", answer);
    return (items as RawAutoscaler[]).map((each) => rivalOf(each, this.#deployment)).find(Boolean);
  }

  readonly #scalePath = (namespace: string) =>
    `/apis/apps/v1/namespaces/${namespace}/deployments/${this.#deployment}/scale`;

  #call(needs: Permission, method: string, path: (ns: string) => string, signal: AbortSignal) {
    return this.#send(needs, (namespace) => ({ method, path: path(namespace) }), signal, []);
  }

  /** `tells` are the statuses, beside those of success, that mean something to the caller. */
  async #send(
    needs: Permission,
    make: (namespace: string) => JsonCall,
    signal: AbortSignal,
    tells: readonly number[],
  ): Promise<JsonAnswer> {
    const access = await this.#access();
    const namespace = this.#namespace ?? access.namespace;
    const answer = await callJson(access, make(namespace), signal).catch((cause: unknown) => {
      // Node would tell nothing but "aborted".
      if (signal.aborted) throw signal.reason;
      throw unreachable(access, cause);
    });
    const { status } = answer;
    if ((status >= 200 && status < 300) || tells.includes(status)) return answer;
    throw this.#refusal(needs, namespace, answer);
  }

  #refusal({ verb, resource, group }: Permission, namespace: string, answer: JsonAnswer): Error {
    const told = messageOf(answer);
    const of = group === "" ? "the core API group" : `the API group "${group}"`;
    if (answer.status === 403)
      return new ProvisionError(
        `the ServiceAccount may not "${verb}" the resource "${resource}" of ${of} in the namespace ${namespace}; ${ROLE} grants it. Kubernetes says: ${told}`,
      );
    if (answer.status === 401)
      return new ProvisionError(`the API server does not take the token: ${told}`);
    if (answer.status === 404 && resource === "deployments/scale")
      return new ProvisionError(
        `there is no Deployment ${this.#deployment} in the namespace ${namespace} (BATUTA_SCALING_K8S_DEPLOYMENT, BATUTA_SCALING_K8S_NAMESPACE): ${told}`,
      );
    return new ProvisionError(`Kubernetes refuses to ${verb} ${resource}: ${told}`);
  }
}

function scaleOf(answer: JsonAnswer): Scale {
  const { metadata, spec, status } = (answer.body ?? {}) as {
    metadata?: { resourceVersion?: unknown };
    spec?: { replicas?: unknown };
    status?: { selector?: unknown };
  };
  const resourceVersion = metadata?.resourceVersion;
  // Zero replicas are left out of JSON by the API server.
  const replicas = spec?.replicas ?? 0;
  const selector = status?.selector;
  const isScale =
    typeof resourceVersion === "string" &&
    Number.isSafeInteger(replicas) &&
    Number(replicas) >= 0 &&
    // An empty one would select every pod of the namespace.
    typeof selector === "string" &&
    selector !== "";
  if (!isScale) throw nonsense("the scale of a Deployment", answer);
  return { replicas: Number(replicas), resourceVersion, selector };
}

interface RawAutoscaler {
  metadata?: { name?: string; ownerReferences?: { kind?: string; name?: string }[] };
  spec?: { scaleTargetRef?: { kind?: string; name?: string } };
}

function rivalOf({ metadata, spec }: RawAutoscaler, deployment: string): string | undefined {
  const { kind, name } = spec?.scaleTargetRef ?? {};
  if (kind !== "Deployment" || name !== deployment) return undefined;
  const scaledObject = metadata?.ownerReferences?.find((owner) => owner.kind === "ScaledObject");
  const autoscaler = `the HorizontalPodAutoscaler ${metadata?.name}`;
  return scaledObject ? `the KEDA ScaledObject ${scaledObject.name}, by ${autoscaler}` : autoscaler;
}

function nonsense(what: string, { text }: JsonAnswer): ProvisionError {
  return new ProvisionError(
    `the API server did not answer with ${what}, but: ${text.slice(0, 200)}`,
  );
}

function unreachable({ url }: KubernetesAccess, cause: unknown): ProvisionError {
  const { message, code } = cause as NodeJS.ErrnoException;
  return new ProvisionError(`the API server at ${url} cannot be called: ${message || code}`, {
    cause,
  });
}
