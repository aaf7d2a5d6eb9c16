import { type ActorRecord, actorKey, type MachineDefinition } from "../messages/inspection.ts";
import type { ActorSummary, PageMachine } from "../messages/inspection-live.ts";

const MAX_REASONS = 20;
const MAX_REASON_CHARS = 300;

/** An actor as the list of the page shows it. */
export function summaryOf(record: ActorRecord, isLost: boolean): ActorSummary {
  const { node, address, machine, state, status, at, since, parent } = record;
  const reasons = reasonsOf(record.context);
  return {
    key: actorKey(record),
    node,
    address,
    machine,
    state,
    status,
    at,
    ...(since === undefined ? {} : { since }),
    ...(parent === undefined ? {} : { parent }),
    ...(isLost ? { lost: true, reasons: [`${node} does not answer`, ...reasons] } : {}),
    ...(!isLost && reasons.length > 0 ? { reasons } : {}),
  };
}

export function pageMachine({ hash, id, chart }: MachineDefinition): PageMachine {
  return { hash, id, chart, svg: `/inspect/machines/${hash}.svg` };
}

function reasonsOf(context: unknown): string[] {
  if (typeof context !== "object" || context === null || !("reasons" in context)) return [];
  const { reasons } = context;
  if (!Array.isArray(reasons)) return [];
  return reasons
    .filter((reason) => typeof reason === "string")
    .slice(0, MAX_REASONS)
    .map((reason: string) => reason.slice(0, MAX_REASON_CHARS));
}
