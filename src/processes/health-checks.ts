import { streamLevels } from "../bus/stream-levels.ts";
import { quarantineText } from "../domain/conduct.ts";
import { roomTrouble } from "../domain/stream-room.ts";
import type { FleetSummary, HealthCheck, HealthStatus, QueueView } from "../http/port.ts";
import { quarantineOf } from "./member.ts";
import type { Orchestrator } from "./orchestrator.ts";

export interface DurabilityFacts {
  readonly requested: "standard" | "strict";
  readonly effective: "standard" | "strict";
  readonly detail: string;
}

/** What can be read from the bus, or why it cannot. */
export interface BusFacts {
  readonly queues: readonly QueueView[];
  readonly leaderId: string | null;
  readonly checks: readonly HealthCheck[];
}

/** A bus that is known not to answer is not asked: a health report must not take seconds to say so. */
export async function readBus(
  orchestrator: Orchestrator,
  queues: () => Promise<readonly QueueView[]>,
): Promise<BusFacts> {
  const { busTrouble } = orchestrator;
  if (busTrouble !== undefined) return withoutBus(busTrouble);
  try {
    const [found, leaderId, levels] = await Promise.all([
      queues(),
      orchestrator.leaderId(),
      streamLevels(orchestrator.control),
    ]);
    const answers = { name: "bus", status: "healthy", detail: "the lanes answer" } as const;
    const room = roomCheck(
      levels.flatMap((level) => roomTrouble(level) ?? []),
      orchestrator,
    );
    return { queues: found, leaderId, checks: [answers, room] };
  } catch (error) {
    return withoutBus(`the lanes do not answer: ${(error as Error).message}`);
  }
}

function withoutBus(detail: string): BusFacts {
  return { queues: [], leaderId: null, checks: [{ name: "bus", status: "critical", detail }] };
}

function roomCheck(full: readonly string[], { dispatching }: Orchestrator): HealthCheck {
  const { recent } = dispatching.refusals;
  const troubles = [...full, ...(recent === undefined ? [] : [recent])];
  return troubles.length === 0
    ? { name: "streams", status: "healthy", detail: "the streams have room" }
    : { name: "streams", status: "degraded", detail: troubles.join("; ") };
}

export function supervisorCheck({ state, dispatches, doubt }: Orchestrator): HealthCheck {
  const name = "supervisor";
  if (!dispatches) return { name, status: "critical", detail: state };
  if (doubt === undefined) return { name, status: "healthy", detail: state };
  return { name, status: "degraded", detail: `nobody is given up for now: ${doubt}` };
}

/** Orphans are counted by the leader alone. */
export function janitorCheck({ leads, janitorReport }: Orchestrator): HealthCheck {
  const { putBack, removed, left, trouble } = janitorReport;
  const name = "janitor";
  if (!leads) return { name, status: "healthy", detail: "another orchestrator's, if any leads" };
  const detail = `orphans: ${putBack} put back, ${removed} removed, ${left} looked at again soon`;
  if (trouble === undefined) return { name, status: "healthy", detail };
  return { name, status: "degraded", detail: `${detail}; the last look failed: ${trouble}` };
}

/** What the provisioner could not do. Only the leader's is asked. */
export function scalingCheck({ leads, scaling }: Orchestrator): HealthCheck {
  const name = "scaling";
  if (!leads) return { name, status: "healthy", detail: "another orchestrator's, if any leads" };
  const { trouble, state, provisioner, actualWorkers, desiredWorkers } = scaling.view;
  const detail = `${provisioner}, ${state}: ${actualWorkers} of ${desiredWorkers} workers`;
  if (trouble === null) return { name, status: "healthy", detail };
  const { failures, error } = trouble;
  return { name, status: "degraded", detail: `${detail}; ${failures} failures in a row: ${error}` };
}

/** What was decided stands all the same: it can only not be explained later. */
export function journalCheck({ journal }: Orchestrator): HealthCheck {
  const { recorded, dropped, trouble } = journal.report;
  const name = "journal";
  const detail = `decisions: ${recorded} taken down, ${dropped} dropped`;
  if (trouble === undefined) return { name, status: "healthy", detail };
  return { name, status: "degraded", detail: `${detail}; lately not all could be: ${trouble}` };
}

export function workersCheck({ total, available }: FleetSummary): HealthCheck {
  const name = "workers";
  if (total === 0) return { name, status: "degraded", detail: "no worker is registered" };
  const detail = `${available} of ${total} workers can take a task`;
  return { name, status: "healthy", detail };
}

/** How many are named: after a bad deployment it may be all of them. */
const MOST_NAMED = 10;

/** What restarts do not mend: workers in quarantine, and too many deaths at once. */
export function supervisionCheck({ fleet }: Orchestrator, now: number): HealthCheck {
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

export function durabilityCheck({ requested, effective, detail }: DurabilityFacts): HealthCheck {
  const weaker = requested === "strict" && effective !== "strict";
  return { name: "durability", status: weaker ? "degraded" : "healthy", detail };
}

export function worst(checks: readonly HealthCheck[]): HealthStatus {
  for (const status of ["critical", "degraded"] as const) {
    if (checks.some((check) => check.status === status)) return status;
  }
  return "healthy";
}
