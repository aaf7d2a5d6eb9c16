import type { Bus } from "../bus/connect.ts";
import type { ExecutionStore } from "../bus/executions.ts";
import type { PausedFlags } from "../bus/paused-flags.ts";
import type { ScalingWishes } from "../bus/scaling-wishes.ts";
import type { TopologyOptions } from "../bus/topology.ts";
import type { WorkerRegistry } from "../bus/worker-registry.ts";
import type { DispatchingOptions } from "./dispatching.ts";
import type { ProcessLog } from "./process-log.ts";
import type { OrchestratorScaling } from "./scaling/autoscaling.ts";

export interface OrchestratorOptions
  extends Omit<DispatchingOptions, "ackWaitMs" | "peers" | "decisions"> {
  readonly natsUrl: string;
  readonly prefix: string;
  readonly topology: Required<TopologyOptions>;
  readonly heartbeatIntervalMs: number;
  readonly drainTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly janitorIntervalMs: number;
  readonly scaling: OrchestratorScaling;
  readonly log: ProcessLog;
}

/** What an orchestrator is made of that has to be asked for. */
export interface Parts {
  /** Work and outcomes; apart from control, so that neither waits behind the other. */
  readonly data: Bus;
  readonly control: Bus;
  readonly executions: ExecutionStore;
  readonly flags: PausedFlags;
  readonly registry: WorkerRegistry;
  readonly wishes: ScalingWishes;
}
