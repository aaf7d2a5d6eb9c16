import { createServer as createHttp, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createHttps } from "node:https";
import type { AddressInfo, Server } from "node:net";
import { DISCOVERY } from "./kubernetes-discovery.ts";

export const DEPLOYMENT = "batuta-worker";
export const NAMESPACE = "flows";
const SELECTOR = { app: DEPLOYMENT };
const COST = "controller.kubernetes.io/pod-deletion-cost";

interface Pod {
  readonly kind: "Pod";
  readonly apiVersion: "v1";
  readonly metadata: {
    name: string;
    namespace: string;
    creationTimestamp: string;
    deletionTimestamp?: string;
    labels: Record<string, string>;
    annotations: Record<string, string>;
    ownerReferences: unknown[];
  };
  readonly status: Record<string, unknown>;
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

export interface FakeOptions {
  readonly token?: string;
  readonly tls?: { readonly key: string; readonly cert: string };
}

/**
 * As much of an API server, and of the controller behind it, as scaling one Deployment takes. Made from the
 * API's documentation: a scale has a resourceVersion, and a write with an old one is refused; of the pods
 * the pending go first, then those with the lowest deletion cost, then the newest.
 */
export class FakeKubernetes {
  /** "verb resource" of each request that was understood, whoever sent it. */
  readonly calls: string[] = [];
  readonly tokens: (string | undefined)[] = [];
  readonly pods = new Map<string, Pod>();
  autoscalers: unknown[] = [];
  replicas = 0;
  /** "verb resource" that is answered 403. */
  forbidden = "";
  /** So many writes are refused with 409, each after a change by somebody else. */
  conflicts = 0;
  /** Takes requests and never answers. */
  hangs = false;
  /** Answered in place of what was asked for. */
  garbage: string | undefined;
  /** What a kubelet would hear of. */
  created: (name: string) => void = () => {};
  terminated: (name: string) => void = () => {};
  /** The controller does its work at once; else when told to. */
  isPrompt = true;
  readonly #options: FakeOptions;
  readonly #server: Server;
  #version = 100;
  #made = 0;
  #arrived: (() => void)[] = [];

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    const listener: RequestListener = (request, response) => {
      for (const tell of this.#arrived.splice(0)) tell();
      void readBody(request).then((body) => {
        if (this.hangs) return;
        const answer = this.#answer(request, body);
        response.writeHead(answer.status, { "content-type": "application/json" });
        response.end(this.garbage ?? JSON.stringify(answer.body));
      });
    };
    this.#server = options.tls ? createHttps(options.tls, listener) : createHttp(listener);
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this.url;
  }

  get url(): string {
    return `${this.#options.tls ? "https" : "http"}://127.0.0.1:${this.port}`;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    if ("closeAllConnections" in this.#server) (this.#server.closeAllConnections as () => void)();
    return closed;
  }

  /** Resolves when the next request has come in. */
  requested(): Promise<void> {
    return new Promise((resolve) => this.#arrived.push(resolve));
  }

  /** Somebody else sets the replicas. */
  setReplicas(replicas: number): void {
    this.replicas = replicas;
    this.#version += 1;
    if (this.isPrompt) this.reconcile();
  }

  /** The work of the controllers: as many pods as replicas. */
  reconcile(): void {
    while (this.live().length < this.replicas) this.addPod();
    const inOrder = this.live().sort((one, other) => rank(one) - rank(other));
    for (const { metadata } of inOrder.slice(0, this.live().length - this.replicas)) {
      metadata.deletionTimestamp = new Date().toISOString();
      this.terminated(metadata.name);
    }
  }

  /** Those that were told to end have ended. */
  endTerminating(): void {
    for (const [name, { metadata }] of this.pods)
      if (metadata.deletionTimestamp !== undefined) this.pods.delete(name);
  }

  live(): Pod[] {
    const isOver = ({ status }: Pod) => status.phase === "Failed" || status.phase === "Succeeded";
    return [...this.pods.values()].filter(
      (pod) => pod.metadata.deletionTimestamp === undefined && !isOver(pod),
    );
  }

  names(): string[] {
    return this.live().map(({ metadata }) => metadata.name);
  }

  addPod(overrides: { name?: string; owner?: string; status?: Record<string, unknown> } = {}): Pod {
    this.#made += 1;
    const name = overrides.name ?? `${DEPLOYMENT}-5d9c7b-p${this.#made}`;
    const pod: Pod = {
      kind: "Pod",
      apiVersion: "v1",
      metadata: {
        name,
        namespace: NAMESPACE,
        creationTimestamp: new Date(Date.UTC(2026, 0, 1) + this.#made * 1_000).toISOString(),
        labels: { ...SELECTOR },
        annotations: {},
        ownerReferences: [
          { kind: "ReplicaSet", name: overrides.owner ?? `${DEPLOYMENT}-5d9c7b`, controller: true },
        ],
      },
      status: overrides.status ?? { phase: "Running" },
    };
    this.pods.set(name, pod);
    this.created(name);
    return pod;
  }

  #answer(request: IncomingMessage, body: string): Answer {
    const { method = "GET", url = "/", headers } = request;
    const { pathname, searchParams } = new URL(url, "http://x");
    this.tokens.push(headers.authorization);
    const { token } = this.#options;
    if (token !== undefined && headers.authorization !== `Bearer ${token}`)
      return refusal(401, "Unauthorized");
    if (method === "GET" && DISCOVERY[pathname] !== undefined)
      return { status: 200, body: DISCOVERY[pathname] };
    return this.#resource(method, pathname, searchParams, { body, type: headers["content-type"] });
  }

  #resource(
    method: string,
    path: string,
    query: URLSearchParams,
    sent: { body: string; type: string | undefined },
  ): Answer {
    const apps = `/apis/apps/v1/namespaces/${NAMESPACE}/deployments/${DEPLOYMENT}`;
    const pods = `/api/v1/namespaces/${NAMESPACE}/pods`;
    const hpas = `/apis/autoscaling/v2/namespaces/${NAMESPACE}/horizontalpodautoscalers`;
    const routes: [string, boolean, string, () => Answer][] = [
      ["GET", path === apps, "get deployments", () => ok(this.#deployment())],
      ["GET", path === `${apps}/scale`, "get deployments/scale", () => ok(this.#scale())],
      ["PUT", path === `${apps}/scale`, "update deployments/scale", () => this.#write(sent.body)],
      ["PATCH", path === `${apps}/scale`, "patch deployments/scale", () => this.#write(sent.body)],
      ["GET", path === pods, "list pods", () => this.#list(query.get("labelSelector"))],
      ["GET", path.startsWith(`${pods}/`), "get pods", () => this.#pod(path)],
      ["PATCH", path.startsWith(`${pods}/`), "patch pods", () => this.#patch(path, sent)],
      ["GET", path === hpas, "list horizontalpodautoscalers", () => ok(this.#hpas())],
    ];
    const found = routes.find(([wants, matches]) => wants === method && matches);
    if (found === undefined) return refusal(404, `${method} ${path} not found`);
    const [, , call, handle] = found;
    this.calls.push(call);
    if (this.forbidden === call) return refusal(403, `User "x" cannot ${call}`);
    return handle();
  }

  #scale() {
    return {
      kind: "Scale",
      apiVersion: "autoscaling/v1",
      metadata: { name: DEPLOYMENT, namespace: NAMESPACE, resourceVersion: String(this.#version) },
      // As the API server does: a zero is left out.
      spec: this.replicas === 0 ? {} : { replicas: this.replicas },
      status: { replicas: this.live().length, selector: `app=${DEPLOYMENT}` },
    };
  }

  #deployment() {
    return {
      kind: "Deployment",
      apiVersion: "apps/v1",
      metadata: { name: DEPLOYMENT, namespace: NAMESPACE, resourceVersion: String(this.#version) },
      spec: { replicas: this.replicas, selector: { matchLabels: SELECTOR } },
    };
  }

  #hpas() {
    const kind = "HorizontalPodAutoscalerList";
    return { kind, apiVersion: "autoscaling/v2", items: this.autoscalers };
  }

  #write(body: string): Answer {
    const { metadata, spec } = JSON.parse(body) as {
      metadata?: { resourceVersion?: string };
      spec?: { replicas?: number };
    };
    if (this.conflicts > 0) {
      this.conflicts -= 1;
      this.#version += 1;
    }
    const version = metadata?.resourceVersion;
    if (version !== undefined && version !== String(this.#version))
      return refusal(409, "the object has been modified; please apply your changes");
    const replicas = spec?.replicas ?? 0;
    if (!Number.isInteger(replicas) || replicas < 0) return refusal(422, "must not be negative");
    this.setReplicas(replicas);
    return ok(this.#scale());
  }

  #list(selector: string | null): Answer {
    const wanted = (selector ?? "").split(",").filter(Boolean);
    const items = [...this.pods.values()].filter(({ metadata }) =>
      wanted.every((pair) => {
        const [key = "", value] = pair.split("=");
        return metadata.labels[key] === value;
      }),
    );
    return ok({ kind: "PodList", apiVersion: "v1", metadata: {}, items });
  }

  #pod(path: string): Answer {
    const pod = this.pods.get(path.split("/").at(-1) ?? "");
    return pod === undefined ? refusal(404, "pods not found") : ok(pod);
  }

  #patch(path: string, { body, type }: { body: string; type: string | undefined }): Answer {
    const pod = this.pods.get(path.split("/").at(-1) ?? "");
    if (pod === undefined) return refusal(404, "pods not found");
    if (!/^application\/(strategic-)?merge-patch\+json$/.test(type ?? ""))
      return refusal(415, `no patch: ${type}`);
    const { metadata } = JSON.parse(body) as {
      metadata?: { annotations?: Record<string, string | null> };
    };
    for (const [name, value] of Object.entries(metadata?.annotations ?? {})) {
      if (value === null) delete pod.metadata.annotations[name];
      else pod.metadata.annotations[name] = value;
    }
    return ok(pod);
  }
}

/** What goes first has the lowest. */
function rank({ metadata, status }: Pod): number {
  const pending = status.phase === "Pending" ? -1e15 : 0;
  const newest = -Date.parse(metadata.creationTimestamp) / 1e13;
  return pending + Number(metadata.annotations[COST] ?? 0) + newest;
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

const REASONS: Readonly<Record<number, string>> = {
  401: "Unauthorized",
  403: "Forbidden",
  404: "NotFound",
  409: "Conflict",
};

function refusal(code: number, message: string): Answer {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", metadata: {} };
  return { status: code, body: { ...status, message, reason: REASONS[code] ?? "Invalid", code } };
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
  return text;
}
