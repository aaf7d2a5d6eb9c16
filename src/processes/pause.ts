import type { PausedFlag, PausedFlags, StoredFlag } from "../bus/paused-flags.ts";
import type { PausedWatch } from "../bus/paused-watch.ts";
import { findResult } from "../bus/results.ts";
import { BatutaError } from "../domain/errors.ts";
import type { PauseAnswer } from "../messages/control.ts";
import type { ExecutionResult } from "../messages/result.ts";
import { type LocateDeps, type Located, locate } from "./locate.ts";

export interface PauseDeps extends LocateDeps {
  readonly flags: PausedFlags;
  readonly paused: PausedWatch;
}

/** Who asks, and what for. */
export interface PauseRequest {
  readonly executionId: string;
  readonly reason: string;
  /** The same for all orchestrators that hear the request; undefined where nobody waits for an answer. */
  readonly requestId: string | undefined;
}

const WORKER_MS = 1_000;

/**
 * Pauses an execution wherever it is. Its flag is written first and taken back if there is no such
 * execution: one that begins while it is looked for is paused as well. Every orchestrator hears the
 * request; the one whose write is taken does the rest, and for the others this is undefined.
 *
 * @throws WaitTimeoutError when the lanes are too deep to find it; it is not paused then.
 */
export async function pause(
  { executionId, reason, requestId }: PauseRequest,
  deps: PauseDeps,
): Promise<PauseAnswer | undefined> {
  const { flags } = deps;
  const before = await flags.read(executionId);
  const flag = { reason, at: before?.at ?? new Date().toISOString() };
  const revision = await flags.set(executionId, flag, requestId);
  if (revision === undefined) return undefined;
  const written = { executionId, revision };
  try {
    const found = await locate(executionId, deps);
    const answer = await takeHold(written, found, flag, deps);
    if (!answer.paused) await flags.remove(written);
    else if (before === undefined) tell("paused", executionId, found, reason, deps);
    return answer;
  } catch (error) {
    await (before === undefined ? flags.remove(written) : flags.replace(written, before));
    throw error;
  }
}

async function takeHold(
  written: Pick<StoredFlag, "executionId" | "revision">,
  found: Located | undefined,
  flag: PausedFlag,
  deps: PauseDeps,
): Promise<PauseAnswer> {
  const { bus, flags, paused } = deps;
  const { executionId } = written;
  if (found === undefined) return { executionId, paused: false, reason: "unknown" };
  if (found.type === "ended") return endedAnswer(found.result);
  if (found.type === "running") await tellWorker(found.workerId, written, deps);
  await paused.seen(written.revision);
  const ended = await findResult(bus, executionId);
  if (ended !== undefined) return endedAnswer(ended);
  const { flowId, lane } = found;
  await flags.replace(written, { ...flag, flowId, lane });
  return { executionId, paused: true };
}

/** The orchestrator that holds the task tells it, too; but once this was answered no node begins. */
async function tellWorker(
  workerId: string,
  written: Pick<StoredFlag, "executionId" | "revision">,
  { bus }: PauseDeps,
): Promise<void> {
  const order = JSON.stringify({ action: "pause", ...written });
  try {
    await bus.mux.request(bus.names.workerControl(workerId), order, { timeoutMs: WORKER_MS });
  } catch (error) {
    // It is frozen or gone: then it starts nothing, and what it held comes back to an orchestrator.
    if (!(error instanceof BatutaError && error.retryable)) throw error;
  }
}

/** Lets an execution go on. Undefined where another orchestrator sees to it, as with `pause`. */
export async function resume(
  { executionId, reason, requestId }: PauseRequest,
  deps: PauseDeps,
): Promise<PauseAnswer | undefined> {
  const { bus, flags, paused } = deps;
  const flag = await flags.read(executionId);
  const revision = await flags.clear(executionId, requestId);
  if (revision === undefined) return undefined;
  if (flag === undefined) return notPaused(executionId, deps);
  await paused.seen(revision);
  const ended = await findResult(bus, executionId);
  if (ended !== undefined) return endedAnswer(ended);
  tell("resumed", executionId, flag, reason, deps);
  return { executionId, paused: false };
}

async function notPaused(executionId: string, deps: PauseDeps): Promise<PauseAnswer> {
  const found = await locate(executionId, deps);
  if (found?.type === "ended") return endedAnswer(found.result);
  return { executionId, paused: false, reason: found === undefined ? "unknown" : "not_paused" };
}

function endedAnswer({ executionId, status }: ExecutionResult): PauseAnswer {
  return { executionId, paused: false, reason: "ended", status };
}

function tell(
  kind: "paused" | "resumed",
  executionId: string,
  about: Located | StoredFlag | undefined,
  reason: string,
  { bus }: PauseDeps,
): void {
  const known = about !== undefined && "flowId" in about ? about : {};
  const { flowId, lane, workerId } = known as Readonly<Record<string, unknown>>;
  bus.events.publish(executionId, kind, { flowId, lane, workerId, reason });
}
