import { KubernetesApi, type Scale } from "./kubernetes-api.ts";
import type { AccessSource } from "./kubernetes-credentials.ts";
import { growthOf, shrinkageOf, type WorkerPod, workersOf } from "./kubernetes-pods.ts";
import {
  ProvisionError,
  type ProvisionedWorker,
  type Provisioner,
  type WorkerExit,
} from "./provisioner.ts";

export interface KubernetesProvisionerOptions {
  readonly access: AccessSource;
  /** The Deployment of the workers; the name of a pod is the id of its worker. */
  readonly deployment: string;
  /** Undefined for that of the pod that this runs in. */
  readonly namespace?: string | undefined;
  /** Never more replicas than this, whatever is asked for. */
  readonly maxWorkers: number;
  /** One line for people: which pod does not run, and why. */
  readonly say: (line: string) => void;
  readonly now: () => number;
}

/** Others write to the Deployment as well: rollouts, people. So many in a row is somebody who fights us. */
const MAX_TRIES = 5;

const GONE_LOOKS = 2;

interface Seen {
  readonly scale: Scale;
  readonly pods: readonly WorkerPod[];
}

/**
 * Workers as the pods of a Deployment, whose replicas it raises and lowers. Pods outlive the orchestrator;
 * Kubernetes itself starts one again that crashes, and takes its time for SIGTERM and drain (the
 * terminationGracePeriodSeconds of the pod).
 */
export class KubernetesProvisioner implements Provisioner {
  readonly kind = "kubernetes";
  readonly advisory = false;
  readonly #options: KubernetesProvisionerOptions;
  readonly #api: KubernetesApi;
  readonly #listeners = new Set<(exit: WorkerExit) => void>();
  readonly #troubles = new Map<string, string>();
  /** Of the pods that were seen, how many looks in a row they have been missing. */
  readonly #missing = new Map<string, number>();
  #isClosed = false;

  constructor(options: KubernetesProvisionerOptions) {
    this.#options = options;
    this.#api = new KubernetesApi(options.access, options.deployment, options.namespace);
  }

  async list(signal: AbortSignal): Promise<readonly ProvisionedWorker[]> {
    const { deployment, now } = this.#options;
    const { scale, pods } = await this.#look(signal);
    const workers = workersOf(pods, scale.replicas, deployment, now());
    this.#tellGone(pods);
    this.#tellTroubles(pods);
    return workers;
  }

  /** @throws ProvisionError as well when another autoscaler owns the Deployment, or the most is reached. */
  async start(count: number, signal: AbortSignal): Promise<void> {
    const { deployment, maxWorkers } = this.#options;
    await this.#refuseRivals(signal);
    await this.#compareAndSet(signal, async ({ scale, pods }) => {
      const { replicas, unmark } = growthOf(pods, scale.replicas, count, maxWorkers);
      if (replicas === scale.replicas && count > 0)
        throw new ProvisionError(
          `the Deployment ${deployment} has ${replicas} replicas already: no more than ${maxWorkers} are started (BATUTA_SCALING_MAX_WORKERS)`,
        );
      for (const name of unmark) await this.#api.markPod(name, false, signal);
      return replicas;
    });
  }

  /**
   * Which pods go, Kubernetes decides: those marked as cheapest first, of those that run. Their time to
   * finish is the terminationGracePeriodSeconds of the pod, not `drainMs`.
   */
  async retire(workerIds: readonly string[], _drainMs: number, signal: AbortSignal): Promise<void> {
    if (workerIds.length === 0) return;
    await this.#refuseRivals(signal);
    await this.#compareAndSet(signal, async ({ scale, pods }) => {
      const { replicas, mark } = shrinkageOf(pods, scale.replicas, workerIds);
      // Before replicas are lowered: the pods to go are chosen as soon as they are.
      for (const name of mark) await this.#api.markPod(name, true, signal);
      return replicas;
    });
  }

  onExit(listener: (exit: WorkerExit) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The pods stay: they belong to the cluster. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
  }

  async #look(signal: AbortSignal): Promise<Seen> {
    const scale = await this.#api.readScale(signal);
    return { scale, pods: await this.#api.listPods(scale, signal) };
  }

  /** Looks, has it decided how many replicas there are to be, and writes that unless somebody came between. */
  async #compareAndSet(
    signal: AbortSignal,
    decide: (seen: Seen) => Promise<number>,
  ): Promise<void> {
    if (this.#isClosed) throw new ProvisionError("the provisioner is closed");
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const seen = await this.#look(signal);
      const replicas = await decide(seen);
      if (replicas === seen.scale.replicas) return;
      if (await this.#api.writeScale(seen.scale, replicas, signal)) return;
    }
    throw new ProvisionError(
      `the Deployment ${this.#options.deployment} was changed by somebody else ${MAX_TRIES} times in a row; its replicas are as they were`,
    );
  }

  async #refuseRivals(signal: AbortSignal): Promise<void> {
    const rival = await this.#api.rival(signal);
    if (rival === undefined) return;
    throw new ProvisionError(
      `the Deployment ${this.#options.deployment} is scaled by ${rival}: two who set its replicas would fight. Delete it, or set BATUTA_SCALING_PROVISIONER=keda and let it ask Batuta (docs/scaling-kubernetes.md)`,
    );
  }

  /**
   * The name of a pod is never used again, so that this cannot mean a newer one. No fault of the worker:
   * one that crashes is started again in its pod. A list that left one out must not have its work run
   * twice, so it has to be missing twice; heartbeats tell of its end sooner than that.
   */
  #tellGone(pods: readonly WorkerPod[]): void {
    const there = new Set(pods.map(({ name }) => name));
    for (const [workerId, looks] of this.#missing) {
      if (there.has(workerId)) continue;
      this.#missing.set(workerId, looks + 1);
      if (looks + 1 < GONE_LOOKS) continue;
      this.#missing.delete(workerId);
      const exit = { workerId, code: null, signal: null, how: "its pod is gone", expected: true };
      for (const listener of this.#listeners) listener(exit);
    }
    for (const name of there) this.#missing.set(name, 0);
  }

  /** Once for each, not at every look. */
  #tellTroubles(pods: readonly WorkerPod[]): void {
    const names = new Set(pods.map(({ name }) => name));
    for (const name of this.#troubles.keys()) if (!names.has(name)) this.#troubles.delete(name);
    for (const { name, trouble } of pods) {
      if (trouble === undefined || trouble === this.#troubles.get(name)) continue;
      this.#troubles.set(name, trouble);
      this.#options.say(`pod ${name} does not run: ${trouble}`);
    }
  }
}
