import { ulid } from "ulid";
import { connectBus } from "../bus/connect.ts";
import { ExecutionStore } from "../bus/executions.ts";
import { PausedFlags } from "../bus/paused-flags.ts";
import { ScalingWishes } from "../bus/scaling-wishes.ts";
import { ensureTopology } from "../bus/topology.ts";
import { WorkerRegistry } from "../bus/worker-registry.ts";
import { Orchestrator } from "./orchestrator.ts";
import type { OrchestratorOptions, Parts } from "./orchestrator-options.ts";

/**
 * Starts an orchestrator: makes the topology, learns the fleet, and dispatches from the three lanes
 * until it is stopped. Any number of them work side by side.
 *
 * @throws UnreachableError when no server with JetStream answers.
 */
export async function startOrchestrator(options: OrchestratorOptions): Promise<Orchestrator> {
  const id = `orchestrator-${ulid()}`;
  const connection = { url: options.natsUrl, prefix: options.prefix };
  const data = await connectBus({ ...connection, name: `batuta ${id} data` });
  const control = await connectBus({ ...connection, name: `batuta ${id} control` });
  await ensureTopology(control, options.topology);
  const executions = await ExecutionStore.open(control);
  const flags = await PausedFlags.open(control);
  const registry = await WorkerRegistry.open(control);
  const wishes = await ScalingWishes.open(control);
  const parts: Parts = { data, control, executions, flags, registry, wishes };
  const orchestrator = new Orchestrator(id, options, parts);
  await orchestrator.start();
  return orchestrator;
}
