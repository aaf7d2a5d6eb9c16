import { BatutaError } from "../domain/errors.ts";
import type { ProvisionerKind } from "../domain/provisioning.ts";

/** One worker that a provisioner has started and that is not gone yet. */
export interface ProvisionedWorker {
  /** The id under which it registers. */
  readonly workerId: string;
  /** What the provisioner calls it: a pid, a container id, a pod name. */
  readonly handle: string;
  /** It was told to leave. */
  readonly leaving: boolean;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** A worker that ended, as its provisioner saw it. */
export interface WorkerExit {
  readonly workerId: string;
  /** Of the process on this machine; undefined where it runs elsewhere. */
  readonly pid?: number | undefined;
  /** Its exit code; null when a signal ended it, or when nobody knows. */
  readonly code: number | null;
  readonly signal: string | null;
  /** For people: "code 1", "signal SIGKILL". */
  readonly how: string;
  /** It had been told to leave, or left by itself without a fault. */
  readonly expected: boolean;
  /** It had been told to leave; undefined where nobody knows. */
  readonly told?: boolean | undefined;
}

/**
 * What starts and stops workers. The supervisor decides how many there shall be, a provisioner acts; what
 * there is it is asked each time, so that a new leader neither leaks workers nor doubles them.
 *
 * Every method may be called again with the same arguments. A call that takes longer than its signal allows
 * rejects with the reason of the signal and leaves nothing behind that `list` would not show.
 */
export interface Provisioner extends AsyncDisposable {
  readonly kind: ProvisionerKind;
  /** It starts nothing itself: others read how many workers there shall be. */
  readonly advisory: boolean;
  /** @throws ProvisionError when they cannot be listed. */
  list(signal: AbortSignal): Promise<readonly ProvisionedWorker[]>;
  /**
   * Starts workers beside those that there are. Resolves once they are under way, not when they have
   * registered.
   *
   * @throws ProvisionError when one could not be started; those before it stay.
   */
  start(count: number, signal: AbortSignal): Promise<void>;
  /**
   * Tells workers to finish what they hold and leave. Ids that are not its own, or gone, are passed over.
   *
   * @throws ProvisionError when one could not be told.
   */
  retire(workerIds: readonly string[], drainMs: number, signal: AbortSignal): Promise<void>;
  /** Calls back for every worker that ends, as soon as that is known. Returns how to stop it. */
  onExit(listener: (exit: WorkerExit) => void): () => void;
}

/** A provisioner could not do what it was asked: what, why, and what a person can do about it. */
export class ProvisionError extends BatutaError {
  override readonly name = "ProvisionError";
  readonly code = "PROVISION";
  readonly retryable = true;
}
