import {
  ProvisionError,
  type ProvisionedWorker,
  type Provisioner,
} from "../../provisioners/provisioner.ts";
import type { ProcessLog } from "../process-log.ts";

export interface ProvisioningOptions {
  readonly provisioner: Provisioner;
  readonly startupTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Never more workers of the provisioner than this, whatever was decided. */
  readonly limit: () => number;
  /** Whether a worker of this id has registered. */
  readonly isKnown: (workerId: string) => boolean;
  readonly now: () => number;
  readonly log: ProcessLog;
  /** For each call: a provisioner that hangs must not hang the supervisor. Default 30 s. */
  readonly callMs?: number;
}

const CALL_MS = 30_000;

/** The provisioner as scaling uses it: within time, within limits, and without believing all that it says. */
export class Provisioning {
  readonly #options: ProvisioningOptions;
  #workers: readonly ProvisionedWorker[] = [];

  constructor(options: ProvisioningOptions) {
    this.#options = options;
  }

  /** As of the last refresh, without those that were seen to end since. */
  get workers(): readonly ProvisionedWorker[] {
    return this.#workers;
  }

  /**
   * Asks what there is, and gives up workers that never registered. Returns a text for each of these.
   *
   * @throws ProvisionError when it cannot be told.
   */
  async refresh(): Promise<readonly string[]> {
    const { provisioner } = this.#options;
    const listed = await this.#call((signal) => provisioner.list(signal));
    this.#workers = [...new Map(listed.map((worker) => [worker.workerId, worker])).values()];
    return this.#giveUpStillborn();
  }

  /** Starts so many, or fewer where the limit asks for it: the list may have been a lie. */
  async start(count: number): Promise<void> {
    const { provisioner, limit, log } = this.#options;
    if (provisioner.advisory) return;
    const staying = this.#workers.filter(({ leaving }) => !leaving).length;
    const allowed = Math.max(0, Math.min(count, limit() - staying));
    if (allowed < count) log.warn({ count, allowed, staying }, "the hard cap: fewer are started");
    if (allowed === 0) return;
    await this.#call((signal) => provisioner.start(allowed, signal));
    await this.refresh();
  }

  async retire(workerIds: readonly string[]): Promise<void> {
    const { provisioner, drainTimeoutMs } = this.#options;
    if (provisioner.advisory) return;
    await this.#call((signal) => provisioner.retire(workerIds, drainTimeoutMs, signal));
    const told = new Set(workerIds);
    this.#workers = this.#workers.map((worker) =>
      told.has(worker.workerId) ? { ...worker, leaving: true } : worker,
    );
  }

  gone(workerId: string): void {
    this.#workers = this.#workers.filter((worker) => worker.workerId !== workerId);
  }

  /** Kubernetes is left to wait: it may be getting a machine for it. */
  async #giveUpStillborn(): Promise<readonly string[]> {
    const { provisioner, startupTimeoutMs, isKnown, now } = this.#options;
    if (provisioner.kind === "kubernetes") return [];
    const stillborn = this.#workers.filter(
      ({ workerId, leaving, startedAt }) =>
        !leaving && !isKnown(workerId) && now() - startedAt > startupTimeoutMs,
    );
    const ids = stillborn.map(({ workerId }) => workerId);
    if (ids.length === 0) return [];
    await this.#call((signal) => provisioner.retire(ids, 0, signal));
    for (const workerId of ids) this.gone(workerId);
    return ids.map((id) => `worker ${id} did not register within ${startupTimeoutMs / 1_000} s`);
  }

  /** Rejects in time whether or not the provisioner heeds the signal. */
  async #call<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { provisioner, callMs = CALL_MS } = this.#options;
    const late = `the provisioner ${provisioner.kind} did not answer in ${callMs / 1_000} s`;
    const hung = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        const error = new ProvisionError(late);
        hung.abort(error);
        reject(error);
      }, callMs);
    });
    try {
      return await Promise.race([call(hung.signal), timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}
