import { freeSlots } from "../domain/balancing.ts";
import { quarantineText } from "../domain/conduct.ts";
import type {
  FleetSummary,
  HealthCheck,
  HealthReport,
  HealthStatus,
  QueueView,
} from "../http/port.ts";
import { WORKER_STATES, type WorkerStateName } from "../messages/worker.ts";
import { quarantineOf } from "./member.ts";
import type { Orchestrator } from "./orchestrator.ts";

export interface DurabilityFacts {
  readonly requested: "standard" | "strict";
  readonly effective: "standard" | "strict";
  readonly detail: string;
}

/** The body of `GET /orchestrator/health`: the worst check is the status. */
export async function healthReport(
  orchestrator: Orchestrator,
  durability: DurabilityFacts,
  queues: () => Promise<readonly QueueView[]>,
): Promise<HealthReport> {
  const lanes = await readLanes(queues);
  const workers = fleetSummary(orchestrator);
  const checks = [
    lanes.check,
    supervisorCheck(orchestrator),
    workersCheck(workers),
    supervisionCheck(orchestrator, Date.now()),
    durabilityCheck(durability),
  ];
  return {
    status: worst(checks),
    timestamp: new Date().toISOString(),
    queues: lanes.queues,
    workers,
    supervisor: {
      instanceId: orchestrator.id,
      leading: orchestrator.leads,
      leaderId: await orchestrator.leaderId(),
    },
    durability,
    refused: orchestrator.refusals.counts,
    checks,
  };
}

async function readLanes(
  queues: () => Promise<readonly QueueView[]>,
): Promise<{ queues: readonly QueueView[]; check: HealthCheck }> {
  try {
    const found = await queues();
    return { queues: found, check: { name: "bus", status: "healthy", detail: "the lanes answer" } };
  } catch (error) {
    const detail = `the lanes do not answer: ${(error as Error).message}`;
    return { queues: [], check: { name: "bus", status: "critical", detail } };
  }
}

function supervisorCheck(orchestrator: Orchestrator): HealthCheck {
  const { state, dispatches } = orchestrator;
  return { name: "supervisor", status: dispatches ? "healthy" : "critical", detail: state };
}

function workersCheck({ total, available }: FleetSummary): HealthCheck {
  const name = "workers";
  if (total === 0) return { name, status: "degraded", detail: "no worker is registered" };
  const detail = `${available} of ${total} workers can take a task`;
  return { name, status: "healthy", detail };
}

/** How many are named: after a bad deployment it may be all of them. */
const MOST_NAMED = 10;

/** What restarts do not mend: workers in quarantine, and too many deaths at once. */
function supervisionCheck({ fleet }: Orchestrator, now: number): HealthCheck {
  const name = "supervision";
  const confined = fleet.members().flatMap((member) => {
    const quarantine = quarantineOf(member, now);
    return quarantine ? `${member.registration.workerId} ${quarantineText(quarantine)}` : [];
  });
  const named = confined.slice(0, MOST_NAMED);
  if (confined.length > named.length) named.push(`${confined.length - named.length} more`);
  const detail = [fleet.escalation(now) ?? [], named].flat().join("; ");
  if (detail === "") return { name, status: "healthy", detail: "no worker is in quarantine" };
  return { name, status: "degraded", detail };
}

function durabilityCheck({ requested, effective, detail }: DurabilityFacts): HealthCheck {
  const weaker = requested === "strict" && effective !== "strict";
  return { name: "durability", status: weaker ? "degraded" : "healthy", detail };
}

function worst(checks: readonly HealthCheck[]): HealthStatus {
  for (const status of ["critical", "degraded"] as const) {
    if (checks.some((check) => check.status === status)) return status;
  }
  return "healthy";
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
