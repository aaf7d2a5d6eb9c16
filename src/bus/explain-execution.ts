import { WaitTimeoutError } from "../domain/errors.ts";
import { isTide, waitsSince } from "../domain/explain-decision.ts";
import type { ExecutionFacts } from "../domain/explain-execution.ts";
import type { StoredDeadLetter } from "../messages/result.ts";
import type { Bus } from "./connect.ts";
import { newestDeadLetter } from "./dead-letter-reader.ts";
import { concerns, readDecisions } from "./decisions.ts";
import { type ExecutionPlace, ExecutionStore } from "./executions.ts";
import { findExecution } from "./find-execution.ts";
import { findQueued } from "./find-queued.ts";
import { laneDepths } from "./lane-stats.ts";
import { PausedFlags } from "./paused-flags.ts";
import { requestPlacement } from "./request-placement.ts";

/** Clocks of the server and of an orchestrator may differ by so much. */
const CLOCK_SLACK_MS = 2_000;

/** That a lane waits is taken down once in 30 s while it lasts. */
const WAIT_BEFORE_MS = 30_000 + CLOCK_SLACK_MS;

/**
 * What is known of an execution, to be explained. Undefined when there is none of that id.
 *
 * @throws UnreachableError; WaitTimeoutError when the lanes are too deep to find it and nothing else is known.
 */
export async function executionFacts(
  bus: Bus,
  executionId: string,
): Promise<ExecutionFacts | undefined> {
  const letter = await newestDeadLetter(bus, executionId);
  const known = await findExecution(bus, executionId).catch((error: unknown) => {
    if (error instanceof WaitTimeoutError && letter !== undefined) return undefined;
    throw error;
  });
  if (known === undefined && letter === undefined) return undefined;
  const memory = await (await ExecutionStore.open(bus)).read(executionId);
  const ended = known !== undefined && "queuedAt" in known ? known : undefined;
  const isOpen = ended === undefined && known !== undefined;
  const place = isOpen ? await findQueued(bus, executionId, memory.place) : memory.place;
  const queuedAt = ended?.queuedAt ?? publishedAt(letter) ?? isoOf(place?.storedAt);
  const flag = isOpen ? await (await PausedFlags.open(bus)).read(executionId) : undefined;
  const attempts = letter !== undefined && !isOpen ? letter.attempts : memory.attempts;
  const facts = {
    executionId,
    flowId: known?.flowId ?? letter?.flowId ?? null,
    lane: known?.lane ?? letter?.lane ?? null,
    status: known?.status ?? "failed",
    queuedAt,
    startedAt: ended?.startedAt ?? null,
    finishedAt: ended?.finishedAt ?? (isOpen ? null : (letter?.deadAt ?? null)),
    workerId: known?.workerId ?? null,
    error: known?.error ?? letter?.error,
    deadReason: isOpen ? undefined : (ended?.reason ?? letter?.reason),
    attempts,
    pausedFor: flag && { reason: flag.reason, at: flag.at },
  };
  return {
    ...facts,
    ...(await told(bus, facts)),
    before: isOpen ? await countBefore(bus, place) : null,
    now: known?.status === "queued" && place ? await placementOf(bus, executionId, place) : null,
  };
}

function publishedAt(letter: StoredDeadLetter | undefined): string | undefined {
  return letter?.message.publishedAt;
}

function isoOf(epochMs: number | undefined): string | null {
  return epochMs === undefined ? null : new Date(epochMs).toISOString();
}

type Stay = Pick<ExecutionFacts, "executionId" | "lane" | "queuedAt" | "startedAt">;
type Told = Pick<ExecutionFacts, "decisions" | "waits" | "scaling">;

async function told(bus: Bus, { executionId, lane, queuedAt, startedAt }: Stay): Promise<Told> {
  const from = queuedAt === null ? undefined : Date.parse(queuedAt);
  const since = from === undefined ? {} : { since: from - CLOCK_SLACK_MS };
  const decisions = await readDecisions(bus, {
    kinds: ["assign", "unplaceable", "redistribute", "retry", "deadletter"],
    ...since,
    is: (decision) => concerns(decision, executionId),
  });
  if (from === undefined || lane === null) return { decisions, waits: [], scaling: [] };
  const until = startedAt === null ? {} : { until: Date.parse(startedAt) };
  const tides = await readDecisions(bus, {
    kinds: ["assign"],
    since: from - WAIT_BEFORE_MS,
    ...until,
    is: (decision) => isTide(decision, lane) && decision.about.executionId !== executionId,
  });
  const scaling = await readDecisions(bus, { kinds: ["scale"], since: from, ...until });
  return { decisions, waits: waitsSince(tides, from), scaling };
}

/** At the most: some of those with a lower sequence may be gone already. */
async function countBefore(
  bus: Bus,
  place: { readonly lane: string; readonly sequence: number } | undefined,
): Promise<number | null> {
  if (place === undefined) return null;
  const depth = (await laneDepths(bus)).find(({ lane }) => lane === place.lane);
  if (depth === undefined || place.sequence <= depth.deliveredSequence) return null;
  return place.sequence - depth.deliveredSequence - 1;
}

async function placementOf(
  bus: Bus,
  executionId: string,
  place: ExecutionPlace,
): Promise<ExecutionFacts["now"]> {
  return (await requestPlacement(bus, executionId, place)) ?? null;
}
