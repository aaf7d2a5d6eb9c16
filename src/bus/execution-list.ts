import type { StoredMsg } from "@nats-io/jetstream";
import { isId } from "../domain/ids.ts";
import type { ExecutionPage, ExecutionQuery, ExecutionView } from "../messages/execution-view.ts";
import { type ExecutionResult, TERMINAL_STATUSES } from "../messages/result.ts";
import type { Bus } from "./connect.ts";
import { ExecutionStore, type RememberedExecution } from "./executions.ts";
import { jsonOf } from "./foreign.ts";
import { PausedFlags, type StoredFlag } from "./paused-flags.ts";
import { findResult } from "./results.ts";
import { storedMessage } from "./stored-message.ts";

/** So many round trips are under way at once. */
const BATCH = 64;
/** How many records are looked at for one page: a rare flow may be far back. */
const MOST_LOOKS = 4_096;

/**
 * A page of executions: on the first page those that are running (as `running` tells), those that
 * wait for a retry and those that are paused, then those that have ended, newest first, as far back as results are kept (24 h).
 */
export async function listExecutions(
  bus: Bus,
  query: ExecutionQuery,
  running: () => Promise<readonly ExecutionView[]>,
): Promise<ExecutionPage> {
  const open = query.cursor === undefined ? await openExecutions(bus, query, running) : [];
  if (isOpen(query.status)) {
    return { executions: open, cursor: null };
  }
  const { views, before } = await endedExecutions(bus, query, query.limit - open.length);
  return { executions: [...open, ...views], cursor: before === null ? null : String(before) };
}

const OPEN_STATUSES: readonly (string | undefined)[] = ["running", "retrying", "paused"];

function isOpen(status: ExecutionQuery["status"]): boolean {
  return OPEN_STATUSES.includes(status);
}

function fits(view: ExecutionView, { status, flowId }: ExecutionQuery): boolean {
  if (status !== undefined && view.status !== status) return false;
  return flowId === undefined || view.flowId === flowId;
}

async function openExecutions(
  bus: Bus,
  query: ExecutionQuery,
  running: () => Promise<readonly ExecutionView[]>,
): Promise<ExecutionView[]> {
  const { status, limit } = query;
  if (status !== undefined && !isOpen(status)) return [];
  const active = await running();
  const ids = new Set(active.map(({ executionId }) => executionId));
  const waiting = status === "running" ? [] : await waitingViews(bus, query, ids);
  return [...active.filter((view) => fits(view, query)), ...waiting].slice(0, limit);
}

/** Those that have failed before or are paused, are not running, and have no terminal record. */
async function waitingViews(
  bus: Bus,
  query: ExecutionQuery,
  running: ReadonlySet<string>,
): Promise<ExecutionView[]> {
  const remembered = await (await ExecutionStore.open(bus)).all();
  const flags = await (await PausedFlags.open(bus)).all();
  const known = merged(remembered, flags).filter(
    (view) => !running.has(view.executionId) && fits(view, query),
  );
  const found: ExecutionView[] = [];
  const last = Math.min(known.length, MOST_LOOKS);
  for (let next = 0; next < last && found.length < query.limit; next += BATCH) {
    const batch = known.slice(next, next + BATCH);
    const ended = await Promise.all(batch.map((view) => findResult(bus, view.executionId)));
    found.push(...batch.filter((_, index) => ended[index] === undefined));
  }
  return found;
}

/** What is paused comes first: somebody has to see to it. */
function merged(
  remembered: readonly RememberedExecution[],
  flags: readonly StoredFlag[],
): ExecutionView[] {
  const retrying = new Map(remembered.map((each) => [each.executionId, retryingView(each)]));
  const paused = flags.map((flag): ExecutionView => {
    const { executionId, flowId = null, lane = null } = flag;
    const known = retrying.get(executionId) ?? retryingView({ executionId, attempts: [] });
    retrying.delete(executionId);
    return { ...known, flowId: known.flowId ?? flowId, lane: known.lane ?? lane, status: "paused" };
  });
  return [...paused, ...retrying.values()];
}

/** An execution that has failed and is to be tried again. */
export function retryingView({ executionId, attempts, place }: RememberedExecution): ExecutionView {
  const error = attempts.at(-1)?.error;
  return {
    executionId,
    flowId: place?.flowId ?? null,
    lane: place?.lane ?? null,
    status: "retrying",
    attempts: attempts.length,
    workerId: null,
    finishedAt: null,
    durationMs: null,
    ...(error === undefined ? {} : { error }),
  };
}

/** Newest first; `before` is where the next page begins. */
async function endedExecutions(
  bus: Bus,
  query: ExecutionQuery,
  wanted: number,
): Promise<{ readonly views: readonly ExecutionView[]; readonly before: number | null }> {
  const { state } = await bus.jsm.streams.info(bus.names.streams.results);
  const views: ExecutionView[] = [];
  let before = Math.min(query.cursor ?? Number.POSITIVE_INFINITY, state.last_seq + 1);
  const stopAt = Math.max(state.first_seq, before - MOST_LOOKS);
  while (before > stopAt && views.length < wanted) {
    const count = Math.min(BATCH, before - stopAt);
    const sequences = Array.from({ length: count }, (_, index) => before - 1 - index);
    const batch = await Promise.all(sequences.map((sequence) => recordAt(bus, sequence)));
    for (const [index, view] of batch.entries()) {
      if (views.length === wanted) break;
      before = sequences[index] ?? before;
      if (view !== undefined && fits(view, query)) views.push(view);
    }
  }
  const isLast = state.messages === 0 || before <= state.first_seq;
  return { views, before: isLast ? null : before };
}

/** Undefined where there is none (any more), or what is there is no terminal record. */
async function recordAt(bus: Bus, seq: number): Promise<ExecutionView | undefined> {
  const stored = await storedMessage(bus, bus.names.streams.results, { seq });
  return stored && endedView(stored);
}

function endedView(stored: StoredMsg): ExecutionView | undefined {
  const result = jsonOf<Partial<ExecutionResult> | null>(stored);
  const { executionId, status } = result ?? {};
  if (!isId(executionId) || !TERMINAL_STATUSES.some((each) => each === status)) return undefined;
  const { flowId, lane, attempts, workerId, finishedAt, durationMs, error } =
    result as ExecutionResult;
  return {
    executionId,
    flowId,
    lane,
    status: status as ExecutionResult["status"],
    attempts,
    workerId,
    finishedAt,
    durationMs,
    ...(error === undefined ? {} : { error }),
  };
}
