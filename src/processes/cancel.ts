import { setTimeout as pause } from "node:timers/promises";
import type { Assignment, Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import type { ExecutionPlace, ExecutionStore } from "../bus/executions.ts";
import { findResult, storeResultOnce } from "../bus/results.ts";
import { deleteStored } from "../bus/stored-message.ts";
import type { CancelAnswer } from "../messages/control.ts";
import type { ExecutionResult } from "../messages/result.ts";
import type { Cancels } from "./cancels.ts";
import { lookAround } from "./look-around.ts";
import { placeOf } from "./task-facts.ts";

export interface CancelDeps {
  readonly bus: Bus;
  readonly assignments: Assignments;
  readonly executions: ExecutionStore;
  readonly cancels: Cancels;
}

const HOLDER_MS = 1_500;
const HOLDER_LOOK_MS = 20;

/**
 * Cancels an execution wherever it is. It is decided by the terminal record: whoever stores it first,
 * the cancel or the result, wins, and the other finds it there. Every orchestrator hears the request
 * and each may answer it, as they all answer by that record. Of an execution that nobody knows nothing
 * is stored.
 *
 * @throws WaitTimeoutError when the lanes are too deep to find it.
 */
export async function cancel(
  executionId: string,
  reason: string,
  deps: CancelDeps,
): Promise<CancelAnswer> {
  const held = deps.assignments.find(executionId);
  if (held !== undefined) return cancelHeld(held, reason, deps);
  const ended = await findResult(deps.bus, executionId);
  if (ended !== undefined) return endedAnswer(ended);
  const { attempts, place: hint } = await deps.executions.read(executionId);
  const { holder, queued } = await lookAround(deps.bus, executionId, hint);
  // The holder may be this one by now, and have answered itself.
  const taken = deps.assignments.find(executionId);
  if (taken !== undefined) return cancelHeld(taken, reason, deps);
  // Answered even though the holder has answered by now: it may have held the task for too short a
  // time to see the cancel.
  const endedMeanwhile = holder && (await endsSoon(executionId, deps.bus));
  if (endedMeanwhile !== undefined) return endedAnswer(endedMeanwhile);
  const place = await queued();
  const heldNow = deps.assignments.find(executionId);
  if (heldNow !== undefined) return cancelHeld(heldNow, reason, deps);
  if (place === undefined) return unfound(executionId, deps.bus);
  return cancelWaiting(executionId, place, attempts.length, reason, deps);
}

/**
 * Leaves the holder time to cancel it. Nothing is stored after that if it is stuck, or if the task
 * went back to its lane before the holder heard of the cancel.
 */
async function endsSoon(executionId: string, bus: Bus): Promise<ExecutionResult | undefined> {
  for (let waitMs = HOLDER_LOOK_MS, left = HOLDER_MS; ; waitMs *= 2) {
    const ended = await findResult(bus, executionId);
    if (ended !== undefined || left <= 0) return ended;
    await pause(Math.min(waitMs, left));
    left -= waitMs;
  }
}

async function cancelHeld(held: Assignment, reason: string, deps: CancelDeps) {
  const { task, workerId, assignedAt } = held;
  const { executionId, attempt: attempts } = task;
  const facts = { executionId, place: placeOf(task), attempts, workerId, assignedAt };
  return record(cancelledResult(facts, reason, Date.now()), deps);
}

async function cancelWaiting(
  executionId: string,
  place: ExecutionPlace,
  attempts: number,
  reason: string,
  deps: CancelDeps,
): Promise<CancelAnswer> {
  const facts = { executionId, place, attempts };
  const answer = await record(cancelledResult(facts, reason, Date.now()), deps);
  const { bus } = deps;
  // The server delivers it to nobody then: where it goes straight to a worker (ADR 0005), no
  // orchestrator would look whether it has ended.
  if (answer.cancelled)
    await deleteStored(bus, bus.names.streams.flows[place.lane], place.sequence);
  return answer;
}

async function record(result: ExecutionResult, deps: CancelDeps): Promise<CancelAnswer> {
  const { bus, cancels } = deps;
  const { executionId } = result;
  const isOwn = (await storeResultOnce(bus, result)) === "stored";
  const ended = isOwn ? result : await findResult(bus, executionId);
  if (ended?.status === "cancelled") {
    const reason = ended.error?.message ?? "cancelled";
    cancels.stop(executionId, reason);
    // The other orchestrators hear this, too: one of them may be giving it to a worker.
    if (isOwn) bus.events.publish(executionId, "cancelled", { flowId: ended.flowId, reason });
  }
  return ended === undefined ? { executionId, cancelled: false } : endedAnswer(ended);
}

/** It may have ended while it was looked for. */
async function unfound(executionId: string, bus: Bus): Promise<CancelAnswer> {
  const ended = await findResult(bus, executionId);
  if (ended !== undefined) return endedAnswer(ended);
  return { executionId, cancelled: false, reason: "unknown" };
}

function endedAnswer({ executionId, status }: ExecutionResult): CancelAnswer {
  if (status === "cancelled") return { executionId, cancelled: true };
  return { executionId, cancelled: false, reason: "ended", status };
}

interface CancelledFacts {
  readonly executionId: string;
  readonly place: ExecutionPlace;
  readonly attempts: number;
  /** Where it was running. */
  readonly workerId?: string;
  readonly assignedAt?: number;
}

function cancelledResult(facts: CancelledFacts, reason: string, at: number): ExecutionResult {
  const { executionId, place, attempts, workerId = null, assignedAt } = facts;
  const { storedAt, flowId, lane } = place;
  const iso = (ms: number) => new Date(ms).toISOString();
  return {
    executionId,
    flowId,
    status: "cancelled",
    error: { code: "CANCELLED", message: reason, retryable: false },
    attempts,
    workerId,
    queuedAt: iso(storedAt),
    startedAt: assignedAt === undefined ? null : iso(assignedAt),
    finishedAt: iso(at),
    queueWaitMs: Math.max(0, (assignedAt ?? at) - storedAt),
    durationMs: assignedAt === undefined ? 0 : at - assignedAt,
    lane,
  };
}
