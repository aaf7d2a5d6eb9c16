import type { Bus } from "../../bus/connect.ts";
import { lastBySubject } from "../../bus/results.ts";
import { type RegistryEntry, WorkerRegistry } from "../../bus/worker-registry.ts";
import { type Quarantine, quarantineAt } from "../../domain/conduct.ts";
import type { Heartbeat, WorkerStateName } from "../../messages/worker.ts";

/** One worker as `batuta workers` prints it. */
export interface WorkerView {
  readonly workerId: string;
  readonly state: WorkerStateName;
  readonly reasons: readonly string[];
  /** Until when it gets nothing, however well it looks, and why. */
  readonly quarantine: Quarantine | null;
  /** When it came into this state, ISO 8601. */
  readonly since: string;
  readonly incarnation: string;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly transport: string;
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly slots: number;
  readonly supportedNodeTypes: readonly string[];
  /** Its last beat; null when it has been silent for longer than beats are kept. */
  readonly beat: Heartbeat | null;
}

/** All workers of the registry, by id. */
export async function readWorkers(bus: Bus): Promise<readonly WorkerView[]> {
  const registry = await WorkerRegistry.open(bus);
  const entries = await registry.entries();
  const views = await Promise.all(entries.map((entry) => viewOf(bus, entry)));
  return views.sort((a, b) => a.workerId.localeCompare(b.workerId, "en", { numeric: true }));
}

async function viewOf(bus: Bus, entry: RegistryEntry): Promise<WorkerView> {
  const { registration, state, reasons, changedAt, conduct } = entry;
  const { workerId, incarnation, hostname, pid, version, transport, capacity } = registration;
  const { pool = "default", labels = {}, supportedNodeTypes } = registration;
  const beat = state === "offline" ? undefined : await lastBeat(bus, workerId, incarnation);
  return {
    workerId,
    state,
    reasons,
    quarantine: quarantineAt(conduct, Date.now()) ?? null,
    since: changedAt,
    incarnation,
    hostname,
    pid,
    version,
    transport,
    pool,
    labels,
    slots: capacity.maxConcurrentFlows,
    supportedNodeTypes,
    beat: beat ?? null,
  };
}

/** A beat of an earlier incarnation says nothing about this one. */
async function lastBeat(
  { jsm, names }: Bus,
  workerId: string,
  incarnation: string,
): Promise<Heartbeat | undefined> {
  const subject = names.heartbeat(workerId);
  const beat = await lastBySubject<Heartbeat>(jsm, names.streams.heartbeats, subject);
  return beat?.incarnation === incarnation ? beat : undefined;
}
