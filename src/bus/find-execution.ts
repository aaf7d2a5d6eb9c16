import type { ExecutionView } from "../messages/execution-view.ts";
import type { ExecutionResult } from "../messages/result.ts";
import type { Bus } from "./connect.ts";
import { retryingView } from "./execution-list.ts";
import { ExecutionStore } from "./executions.ts";
import { findQueued } from "./find-queued.ts";
import { PausedFlags } from "./paused-flags.ts";
import { requestStatus } from "./request-control.ts";
import { findResult } from "./results.ts";

/**
 * What is known of an execution: its terminal record, else whether it is running, is paused, waits
 * for a retry or waits in its lane. Undefined when there is none of that id.
 *
 * @throws WaitTimeoutError when the lanes are too deep to find it.
 */
export async function findExecution(
  bus: Bus,
  executionId: string,
): Promise<ExecutionResult | ExecutionView | undefined> {
  const result = await findResult(bus, executionId);
  if (result !== undefined) return result;
  const memory = await (await ExecutionStore.open(bus)).read(executionId);
  const running = await requestStatus(bus, executionId);
  const known = retryingView({ ...memory, executionId });
  if (running !== undefined) {
    const { flowId, lane, workerId, status } = running;
    return { ...known, flowId, lane, workerId, status, attempts: known.attempts + 1 };
  }
  const place = await findQueued(bus, executionId, memory.place);
  // It may have ended while it was looked for.
  if (place === undefined) return findResult(bus, executionId);
  const { flowId, lane } = place;
  return { ...known, flowId, lane, status: await waitingStatus(bus, executionId, known.attempts) };
}

/** What an execution that is in its lane waits for: a resume, its next attempt, or its first. */
export async function waitingStatus(
  bus: Bus,
  executionId: string,
  attempts: number,
): Promise<"paused" | "retrying" | "queued"> {
  const flag = await (await PausedFlags.open(bus)).read(executionId);
  if (flag !== undefined) return "paused";
  return attempts > 0 ? "retrying" : "queued";
}
