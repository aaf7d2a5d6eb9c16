import type { WorkerRegistry } from "../bus/worker-registry.ts";
import { isForgettable } from "../domain/forgetting.ts";
import type { ProcessLog } from "./process-log.ts";

const AGES = { goneMs: 3_600_000, ghostMs: 60_000 };
/** Each look reads the whole registry. */
const EVERY_MS = 60_000;

export interface ForgettingOptions {
  readonly registry: WorkerRegistry;
  /** Only the leader forgets. */
  readonly leads: () => boolean;
  readonly log: ProcessLog;
}

/** Keeps the registry from growing with every worker that there ever was: at once, then once a minute. */
export class Forgetting {
  readonly #options: ForgettingOptions;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ForgettingOptions) {
    this.#options = options;
  }

  start(): void {
    this.stop();
    void this.#look();
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #look(): Promise<void> {
    const { registry, leads, log } = this.#options;
    try {
      let forgotten = 0;
      for (const entry of await registry.entries()) {
        if (!leads()) return;
        if (!isForgettable(entry, Date.now(), AGES)) continue;
        if (await registry.forget(entry)) forgotten += 1;
      }
      // One line for all: after a flood of registrations there are thousands.
      if (forgotten > 0) log.info({ forgotten }, "offline workers forgotten");
    } catch (error) {
      // The next look finds the same ones.
      log.warn({ err: error }, "offline workers could not be forgotten now");
    }
  }
}
