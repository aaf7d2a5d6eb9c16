import type { Bus } from "../bus/connect.ts";
import { ensureTopology, type TopologyOptions } from "../bus/topology.ts";
import type { WorkerRegistry } from "../bus/worker-registry.ts";
import type { Lane } from "../domain/lane.ts";
import { Forgetting } from "./forget-workers.ts";
import { Janitor, type JanitorReport } from "./janitor.ts";
import type { ProcessLog } from "./process-log.ts";

export interface HousekeepingOptions {
  readonly bus: Bus;
  readonly registry: WorkerRegistry;
  readonly topology: Required<TopologyOptions>;
  readonly janitorIntervalMs: number;
  /** Sequences of the messages of a lane that orchestrators have in their books. */
  readonly held: (lane: Lane) => Promise<readonly number[]>;
  readonly leads: () => boolean;
  readonly log: ProcessLog;
}

/** After two ack_waits nobody can be at work on a message whose consumer knows nothing of it. */
const SAFE_AGE_ACK_WAITS = 2;

/** What the leader tidies up: workers that are long gone, and messages that nobody will deliver. */
export class Housekeeping {
  readonly #forgetting: Forgetting;
  readonly #janitor: Janitor;

  constructor(options: HousekeepingOptions) {
    const { bus, topology, janitorIntervalMs } = options;
    this.#forgetting = new Forgetting(options);
    this.#janitor = new Janitor({
      ...options,
      repair: () => ensureTopology(bus, topology),
      intervalMs: janitorIntervalMs,
      safeAgeMs: SAFE_AGE_ACK_WAITS * topology.ackWaitMs,
    });
  }

  get janitorReport(): JanitorReport {
    return this.#janitor.report;
  }

  start(): void {
    this.#forgetting.start();
    this.#janitor.start();
  }

  stop(): void {
    this.#forgetting.stop();
    this.#janitor.stop();
  }
}
