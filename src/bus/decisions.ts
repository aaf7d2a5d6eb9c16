import type { Decision } from "../messages/decision.ts";
import { DECISION_KINDS, type DecisionKind, HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { publishStored } from "./publish.ts";
import { scanStream } from "./scan-stream.ts";

/** A decision on its way: its fields are needed beside the body, which is encoded only once. */
export interface EncodedDecision {
  readonly decision: Pick<Decision, "decisionId" | "kind" | "at" | "by" | "about">;
  readonly body: string;
}

/**
 * Stores a decision, with CloudEvents headers (binary mode).
 *
 * @throws what `publishStored` throws.
 */
export async function publishDecision(
  bus: Bus,
  { decision, body }: EncodedDecision,
): Promise<void> {
  const { decisionId, kind, at, by, about } = decision;
  const subject = about.executionId ?? about.workerId ?? about.lane;
  await publishStored(bus, bus.names.decision(kind), body, [
    [HEADERS.messageId, decisionId],
    ["ce-specversion", "1.0"],
    ["ce-type", `io.batuta.supervisor.decision.${kind}.v1`],
    ["ce-source", `/orchestrators/${by}`],
    ["ce-id", decisionId],
    ["ce-time", at],
    ...(subject === undefined ? [] : [["ce-subject", subject] as const]),
  ]);
}

export interface DecisionQuery {
  /** Default: of every kind. */
  readonly kinds?: readonly DecisionKind[];
  /** Epoch milliseconds; default: as far back as they are kept, 24 hours. */
  readonly since?: number;
  readonly until?: number;
  /** Only those that `is` says yes to. */
  readonly is?: (decision: Decision) => boolean;
  /** The newest so many; default 1,000. */
  readonly last?: number;
}

const DEFAULT_LAST = 1_000;

const BATCH = 256;

/** Whether a decision is about an execution, or moved it with others. */
export function concerns({ kind, about, choice }: Decision, executionId: string): boolean {
  if (about.executionId === executionId) return true;
  if (kind !== "redistribute") return false;
  return (choice as { order?: readonly string[] }).order?.includes(executionId) ?? false;
}

/** Decisions of the last 24 hours that fit, oldest first. What cannot be read is passed over. */
export async function readDecisions(bus: Bus, query: DecisionQuery = {}): Promise<Decision[]> {
  const { kinds = DECISION_KINDS, since, until, is = () => true, last = DEFAULT_LAST } = query;
  const { names } = bus;
  const found: Decision[] = [];
  for (const kind of kinds) {
    const scan = { stream: names.streams.decisions, subject: names.decision(kind), batch: BATCH };
    const from = since === undefined ? {} : { from: { time: since } };
    for await (const { data } of scanStream(bus, { ...scan, ...from })) {
      const decision = decisionIn(data);
      if (decision === undefined) continue;
      if (until !== undefined && Date.parse(decision.at) > until) break;
      if (is(decision)) found.push(decision);
      // Bounded: of those before the last so many nobody will ask.
      if (found.length > 2 * last + BATCH) found.splice(0, found.length - last);
    }
  }
  return found.sort(byTime).slice(-last);
}

/** By their ULIDs, which are in the order in which they were made. */
function byTime(one: Decision, other: Decision): number {
  return one.decisionId < other.decisionId ? -1 : 1;
}

/** Anybody may publish on these subjects. */
function decisionIn(data: Uint8Array): Decision | undefined {
  try {
    const decision = JSON.parse(new TextDecoder().decode(data)) as Partial<Decision>;
    const { decisionId, kind, at, about, reasons } = decision;
    const isSound =
      typeof decisionId === "string" &&
      DECISION_KINDS.some((each) => each === kind) &&
      !Number.isNaN(Date.parse(String(at))) &&
      typeof about === "object" &&
      about !== null &&
      Array.isArray(reasons);
    return isSound ? (decision as Decision) : undefined;
  } catch {
    return undefined;
  }
}
