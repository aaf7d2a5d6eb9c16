import type { Bus } from "../../bus/connect.ts";
import { type LaneDepth, oldestAgeMs } from "../../bus/lane-stats.ts";
import type { LoadReading } from "../../domain/load-gauge.ts";
import type { LaneLoad, ScalingFacts, ScalingMode } from "../../domain/scaling-facts.ts";
import type { ScalingMemory } from "../../domain/scaling-memory.ts";
import type { ProvisionedWorker } from "../../provisioners/provisioner.ts";
import type { Fleet } from "../fleet.ts";
import { fleetFacts } from "./scaling-facts.ts";

export interface SightOptions {
  readonly bus: Bus;
  readonly fleet: Fleet;
  readonly watch: { readonly lanes: readonly LaneDepth[]; read(): LoadReading };
  readonly memory: ScalingMemory;
  /** Workers of the provisioner that are there or on their way. */
  readonly provisioned: () => readonly ProvisionedWorker[];
  readonly mode: () => ScalingMode;
  readonly advisory: boolean;
  /** Tasks that no live worker can run. */
  readonly unplaceable: () => number;
  /** Why the supervisor doubts itself. */
  readonly doubt: () => string | undefined;
}

/** Everything that scaling knows now, put together for the decision. */
export class ScalingSight {
  readonly #options: SightOptions;

  constructor(options: SightOptions) {
    this.#options = options;
  }

  /** As of the last look at the lanes; how old their oldest messages are is not asked. */
  facts(lanes = this.#lanes()): ScalingFacts {
    const { fleet, watch, memory, provisioned, mode, advisory, unplaceable, doubt } = this.#options;
    const now = Date.now();
    return {
      now,
      mode: mode(),
      lanes,
      ...fleetFacts({
        members: fleet.members(),
        candidateOf: (workerId) => fleet.candidate(workerId),
        provisioned: provisioned(),
      }),
      ...watch.read(),
      advisory,
      unplaceable: unplaceable(),
      frozen: doubt() ?? null,
      escalated: fleet.escalation(now) ?? null,
      ...memory.facts,
    };
  }

  /** The lanes, each with the age of its oldest message. */
  lanesWithAges(): Promise<readonly LaneLoad[]> {
    const { bus, watch } = this.#options;
    return Promise.all(
      watch.lanes.map(async (depth) => ({
        lane: depth.lane,
        waiting: depth.pending,
        // Only told: nothing is decided by it, and a bus that does not answer is no fault of the provisioner.
        oldestAgeMs: await oldestAgeMs(bus, depth, Date.now()).catch(() => null),
      })),
    );
  }

  #lanes(): readonly LaneLoad[] {
    return this.#options.watch.lanes.map(({ lane, pending }) => ({
      lane,
      waiting: pending,
      oldestAgeMs: null,
    }));
  }
}
