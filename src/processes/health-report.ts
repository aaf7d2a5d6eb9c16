import { freeSlots } from "../domain/balancing.ts";
import type { FleetSummary, HealthReport, QueueView } from "../http/port.ts";
import { WORKER_STATES, type WorkerStateName } from "../messages/worker.ts";
import {
  type DurabilityFacts,
  durabilityCheck,
  janitorCheck,
  journalCheck,
  readBus,
  scalingCheck,
  supervisionCheck,
  supervisorCheck,
  workersCheck,
  worst,
} from "./health-checks.ts";
import type { Orchestrator } from "./orchestrator.ts";

/** The body of `GET /orchestrator/health`: the worst check is the status. */
export async function healthReport(
  orchestrator: Orchestrator,
  durability: DurabilityFacts,
  queues: () => Promise<readonly QueueView[]>,
): Promise<HealthReport> {
  const bus = await readBus(orchestrator, queues);
  const workers = fleetSummary(orchestrator);
  const checks = [
    ...bus.checks,
    supervisorCheck(orchestrator),
    workersCheck(workers),
    supervisionCheck(orchestrator, Date.now()),
    janitorCheck(orchestrator),
    scalingCheck(orchestrator),
    journalCheck(orchestrator),
    durabilityCheck(durability),
  ];
  return {
    status: worst(checks),
    timestamp: new Date().toISOString(),
    queues: bus.queues,
    workers,
    supervisor: {
      instanceId: orchestrator.id,
      leading: orchestrator.leads,
      leaderId: bus.leaderId,
    },
    durability,
    refused: orchestrator.refusals.counts,
    checks,
  };
}

function fleetSummary({ fleet, dispatching }: Orchestrator): FleetSummary {
  const byState = Object.fromEntries(WORKER_STATES.map((state) => [state, 0])) as Record<
    WorkerStateName,
    number
  >;
  const { assignments, capacityLimit } = dispatching;
  const members = fleet.members();
  for (const { standing } of members) byState[standing.state] += 1;
  const loads = members.map(
    ({ registration: { workerId, capacity } }) =>
      assignments.inFlightOf(workerId) / capacity.maxConcurrentFlows,
  );
  const free = fleet.candidates().filter((candidate) => freeSlots(candidate, capacityLimit) > 0);
  const mean = loads.length === 0 ? 0 : loads.reduce((sum, load) => sum + load, 0) / loads.length;
  return {
    total: members.length,
    available: free.length,
    busy: loads.filter((load) => load > 0).length,
    averageLoad: Math.round(mean * 1_000) / 1_000,
    byState,
  };
}
