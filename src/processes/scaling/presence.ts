import type { ProvisionedWorker } from "../../provisioners/provisioner.ts";

export interface PresenceOptions {
  readonly startupTimeoutMs: number;
  /** Whether a worker of this id has registered and is not lost. */
  readonly isKnown: (workerId: string) => boolean;
  readonly inDoubt: () => boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** An id is used again; together with its handle it names one run. */
export function keyOf({ workerId, handle }: ProvisionedWorker): string {
  return `${workerId} ${handle}`;
}

/** Which of the provisioner's workers the supervisor has ever seen, and how long it misses the others. */
export class Presence {
  readonly #options: PresenceOptions;
  #seenAt: ReadonlyMap<string, number> = new Map();
  #doubtedAt = Number.NEGATIVE_INFINITY;

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** `workers` are all that there are: what was known of others is forgotten. */
  look(workers: readonly ProvisionedWorker[]): void {
    const { isKnown, inDoubt, now } = this.#options;
    if (inDoubt()) this.#doubtedAt = now();
    const seen = workers.flatMap((worker): [string, number][] => {
      const at = isKnown(worker.workerId) ? now() : this.#seenAt.get(keyOf(worker));
      return at === undefined ? [] : [[keyOf(worker), at]];
    });
    this.#seenAt = new Map(seen);
  }

  /** It was there, and is no more. */
  isLost(worker: ProvisionedWorker): boolean {
    return this.#seenAt.has(keyOf(worker)) && !this.#options.isKnown(worker.workerId);
  }

  /** Those that are missing for too long, and why they are given up. Nobody is while the supervisor doubts itself. */
  overdue(workers: readonly ProvisionedWorker[]): readonly { workerId: string; why: string }[] {
    const { isKnown, now, startupTimeoutMs } = this.#options;
    const missing = workers.filter(({ workerId, leaving }) => !leaving && !isKnown(workerId));
    return missing.flatMap((worker) => {
      const seenAt = this.#seenAt.get(keyOf(worker));
      const since = Math.max(seenAt ?? worker.startedAt, this.#doubtedAt);
      if (now() - since <= startupTimeoutMs) return [];
      const what =
        seenAt === undefined ? "did not register" : "was lost and has not registered again";
      const why = `worker ${worker.workerId} ${what} within ${startupTimeoutMs / 1_000} s`;
      return [{ workerId: worker.workerId, why }];
    });
  }
}
