import {
  ProvisionError,
  type ProvisionedWorker,
  type Provisioner,
} from "../../provisioners/provisioner.ts";
import type { ProcessLog } from "../process-log.ts";
import { keyOf, Presence } from "./presence.ts";

export interface ProvisioningOptions {
  readonly provisioner: Provisioner;
  readonly startupTimeoutMs: number;
  readonly drainTimeoutMs: number;
  /** Never more workers of the provisioner than this, whatever was decided. */
  readonly limit: () => number;
  /** Whether a worker of this id has registered. */
  readonly isKnown: (workerId: string) => boolean;
  /** Whether the supervisor doubts itself: then it does not judge who has not registered. */
  readonly inDoubt: () => boolean;
  readonly now: () => number;
  readonly log: ProcessLog;
  /** For each call: a provisioner that hangs must not hang the supervisor. Default 30 s. */
  readonly callMs?: number;
}

const CALL_MS = 30_000;

/**
 * The provisioner as scaling uses it: within time, within limits, one call after the other, and without
 * believing all that it says.
 */
export class Provisioning {
  readonly #options: ProvisioningOptions;
  readonly #presence: Presence;
  readonly #calls = new Set<AbortController>();
  #workers: readonly ProvisionedWorker[] = [];
  /** Asked for, and neither listed nor seen to end since. */
  #unseen = 0;
  /** Seen to end since the last list was asked for. */
  readonly #goneMeanwhile = new Set<string>();
  #before: Promise<unknown> = Promise.resolve();
  #interruptions = 0;
  #reason = "";

  constructor(options: ProvisioningOptions) {
    this.#options = options;
    this.#presence = new Presence(options);
  }

  /** As of the last refresh, without those that were seen to end since. */
  get workers(): readonly ProvisionedWorker[] {
    return this.#workers;
  }

  /** Of these the ones that are here or on their way, and not those that the supervisor has lost. */
  get expected(): readonly ProvisionedWorker[] {
    return this.#workers.filter((worker) => !this.#presence.isLost(worker));
  }

  /** Takes down who is there now: it may be gone by the next refresh. */
  look(): void {
    this.#presence.look(this.#workers);
  }

  /**
   * Asks what there is, and gives up workers that have not registered in time. Returns a text for each of these.
   *
   * @throws ProvisionError when it cannot be told.
   */
  refresh(): Promise<readonly string[]> {
    return this.#inTurn(() => this.#refresh());
  }

  /**
   * Starts so many, or fewer where the limit asks for it: the list may have been a lie.
   *
   * @throws ProvisionError when they cannot be started, or when the limit leaves room for none.
   */
  start(count: number): Promise<void> {
    return this.#inTurn(() => this.#start(count));
  }

  retire(workerIds: readonly string[]): Promise<void> {
    return this.#inTurn(() => this.#retire(workerIds));
  }

  /** What it was asked for and did not show is forgotten: a person, or a new leader, has looked. */
  believe(): void {
    this.#unseen = 0;
  }

  /** Breaks off what is under way and what waits for its turn. */
  interrupt(reason: string): void {
    this.#interruptions += 1;
    this.#reason = reason;
    this.believe();
    for (const call of this.#calls) call.abort(new ProvisionError(reason));
  }

  gone(workerId: string): void {
    this.#goneMeanwhile.add(workerId);
    const staying = this.#workers.filter((worker) => worker.workerId !== workerId);
    if (staying.length === this.#workers.length) this.#seen(1);
    this.#workers = staying;
  }

  async #refresh(): Promise<readonly string[]> {
    await this.#list();
    return this.#giveUpAbsent();
  }

  async #list(): Promise<void> {
    const { provisioner } = this.#options;
    this.#goneMeanwhile.clear();
    const listed = await this.#call((signal) => provisioner.list(signal));
    // Nothing is started meanwhile: a list that still shows one that has ended is only late.
    const living = listed.filter(({ workerId }) => !this.#goneMeanwhile.has(workerId));
    const workers = [...new Map(living.map((worker) => [worker.workerId, worker])).values()];
    const known = new Set(this.#workers.map(keyOf));
    this.#seen(workers.filter((worker) => !known.has(keyOf(worker))).length);
    this.#workers = workers;
    this.look();
  }

  async #start(count: number): Promise<void> {
    const { provisioner, log } = this.#options;
    if (provisioner.advisory) return;
    const allowed = this.#allowed(count);
    if (allowed < count) log.warn({ count, allowed }, "the hard cap: fewer are started");
    // Counted before the call: one may end before the last of them is started.
    this.#unseen += allowed;
    try {
      await this.#call((signal) => provisioner.start(allowed, signal));
    } catch (error) {
      this.#seen(allowed);
      throw error;
    }
    // Nobody is given up here, unseen: where clocks differ each new one would be, and replaced at once.
    await this.#list();
  }

  #allowed(count: number): number {
    const limit = this.#options.limit();
    const staying = this.#workers.filter(({ leaving }) => !leaving).length;
    const allowed = Math.min(count, limit - staying - this.#unseen);
    if (allowed > 0) return allowed;
    const unseen =
      this.#unseen > 0 ? `, ${this.#unseen} more were asked for and are not listed` : "";
    throw new ProvisionError(
      `${staying} of its workers are there${unseen}, at most ${limit} may be`,
    );
  }

  #seen(count: number): void {
    this.#unseen = Math.max(0, this.#unseen - count);
  }

  async #retire(workerIds: readonly string[]): Promise<void> {
    const { provisioner, drainTimeoutMs } = this.#options;
    if (provisioner.advisory || workerIds.length === 0) return;
    await this.#call((signal) => provisioner.retire(workerIds, drainTimeoutMs, signal));
    const told = new Set(workerIds);
    this.#workers = this.#workers.map((worker) =>
      told.has(worker.workerId) ? { ...worker, leaving: true } : worker,
    );
  }

  async #giveUpAbsent(): Promise<readonly string[]> {
    const { provisioner } = this.#options;
    // Kubernetes is left to wait: it may be getting a machine for it.
    if (provisioner.kind === "kubernetes") return [];
    const overdue = this.#presence.overdue(this.#workers);
    const ids = overdue.map(({ workerId }) => workerId);
    if (ids.length === 0) return [];
    try {
      await this.#call((signal) => provisioner.retire(ids, 0, signal));
      this.#workers = this.#workers.filter(({ workerId }) => !ids.includes(workerId));
      return overdue.map(({ why }) => why);
    } catch (error) {
      // The others are there all the same, and have to be decided about.
      return overdue.map(({ why }) => `${why}, and cannot be retired: ${(error as Error).message}`);
    }
  }

  /** Two starts at once would each count only its own, and what is started is listed late. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const interruptions = this.#interruptions;
    const turn = this.#before.then(() => {
      if (interruptions !== this.#interruptions) throw new ProvisionError(this.#reason);
      return work();
    });
    // Who asked for it is told; whoever comes next only waits for its end.
    this.#before = turn.catch(() => {});
    return turn;
  }

  /** Rejects in time whether or not the provisioner heeds the signal. */
  async #call<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { provisioner, callMs = CALL_MS } = this.#options;
    const late = `the provisioner ${provisioner.kind} did not answer in ${callMs / 1_000} s`;
    const control = new AbortController();
    const { signal } = control;
    const broken = new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
    });
    const timer = setTimeout(() => control.abort(new ProvisionError(late)), callMs);
    this.#calls.add(control);
    try {
      return await Promise.race([call(signal), broken]);
    } finally {
      clearTimeout(timer);
      this.#calls.delete(control);
    }
  }
}
