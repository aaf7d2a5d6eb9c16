import type { Decision } from "../messages/decision.ts";
import { DECISION_KINDS, type DecisionKind, HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { publishStored } from "./publish.ts";
import { type Scan, scanStream } from "./scan-stream.ts";

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
  bus: Pick<Bus, "mux" | "names">,
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
/** Those of a large fleet are large: the newest so much of a kind is held, and no more. */
const MAX_BYTES = 32 * 1_048_576;
/** So far back is looked first, in messages of any kind, and then so many times as far. */
const FIRST_LOOK = 512;
const LOOK_FACTOR = 4;

/** Whether a decision is about an execution, or moved it with others. */
export function concerns({ kind, about, choice }: Decision, executionId: string): boolean {
  if (about.executionId === executionId) return true;
  if (kind !== "redistribute") return false;
  return (choice as { order?: readonly string[] } | null)?.order?.includes(executionId) ?? false;
}

/** Decisions of the last 24 hours that fit, oldest first. What cannot be read is passed over. */
export async function readDecisions(bus: Bus, query: DecisionQuery = {}): Promise<Decision[]> {
  const { kinds = DECISION_KINDS, since, last = DEFAULT_LAST } = query;
  const found: Decision[] = [];
  for (const kind of kinds) {
    const newest = new Newest(last);
    if (since === undefined) await lookBack(bus, kind, query, newest);
    else await collect(bus, kind, query, { time: since }, newest);
    found.push(...newest.decisions);
  }
  return found.sort(byTime).slice(-last);
}

/** From the newest back, so that the last ten of a day's do not cost reading the day. */
async function lookBack(bus: Bus, kind: DecisionKind, query: DecisionQuery, newest: Newest) {
  const { state } = await bus.jsm.streams.info(bus.names.streams.decisions);
  let end = state.last_seq + 1;
  for (let span = FIRST_LOOK; end > state.first_seq && !newest.isFull; span *= LOOK_FACTOR) {
    const start = Math.max(state.first_seq, end - span);
    const older = newest.older();
    await collect(bus, kind, query, { sequence: start }, older, end);
    newest.takeBefore(older);
    end = start;
  }
}

async function collect(
  bus: Bus,
  kind: DecisionKind,
  { until, is = () => true }: DecisionQuery,
  from: NonNullable<Scan["from"]>,
  newest: Newest,
  before = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { names } = bus;
  const scan = { stream: names.streams.decisions, subject: names.decision(kind), batch: BATCH };
  for await (const { seq, data } of scanStream(bus, { ...scan, from })) {
    if (seq >= before) return;
    const decision = decisionIn(data);
    if (decision === undefined) continue;
    if (until !== undefined && Date.parse(decision.at) > until) return;
    if (is(decision)) newest.add(decision, data.length);
  }
}

/** The newest so many that were added, and not more than fit into memory. */
class Newest {
  readonly #most: number;
  readonly #maxBytes: number;
  #held: { readonly decision: Decision; readonly bytes: number }[] = [];
  #bytes = 0;

  constructor(most: number, maxBytes = MAX_BYTES) {
    this.#most = most;
    this.#maxBytes = maxBytes;
  }

  get decisions(): Decision[] {
    return this.#held.map(({ decision }) => decision);
  }

  get isFull(): boolean {
    return this.#held.length >= this.#most || this.#bytes >= this.#maxBytes;
  }

  /** One after those that were added before. */
  add(decision: Decision, bytes: number): void {
    this.#held.push({ decision, bytes });
    this.#bytes += bytes;
    while (this.#held.length > this.#most || this.#bytes > this.#maxBytes)
      this.#bytes -= this.#held.shift()?.bytes ?? this.#bytes;
  }

  /** Room for what is older than all that is here. */
  older(): Newest {
    return new Newest(this.#most - this.#held.length, this.#maxBytes - this.#bytes);
  }

  takeBefore(older: Newest): void {
    this.#held = [...older.#held, ...this.#held];
    this.#bytes += older.#bytes;
  }
}

/** By their ULIDs, which are in the order in which they were made. */
function byTime(one: Decision, other: Decision): number {
  return one.decisionId < other.decisionId ? -1 : 1;
}

/** Anybody may publish on these subjects: what is read is made sure of, but for inputs and choice. */
function decisionIn(data: Uint8Array): Decision | undefined {
  try {
    const decision = JSON.parse(new TextDecoder().decode(data)) as Partial<Decision> | null;
    return decision !== null && isSound(decision) ? decision : undefined;
  } catch {
    return undefined;
  }
}

function isSound(decision: Partial<Decision>): decision is Decision {
  const { decisionId, kind, at, about, reasons, candidates } = decision;
  return (
    typeof decisionId === "string" &&
    DECISION_KINDS.some((each) => each === kind) &&
    !Number.isNaN(Date.parse(String(at))) &&
    typeof about === "object" &&
    about !== null &&
    Object.values(about).every(isText) &&
    Array.isArray(reasons) &&
    reasons.every(isText) &&
    Array.isArray(candidates) &&
    candidates.every((each) => isText(each?.id) && isText(each?.why))
  );
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}
