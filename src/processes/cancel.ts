import type { Msg, Subscription } from "nats";
import { ack } from "../bus/ack.ts";
import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import { findResult, storeResultOnce } from "../bus/results.ts";
import { isId } from "../domain/ids.ts";
import type { ExecutionResult } from "../messages/result.ts";

interface ControlRequest {
  readonly action?: unknown;
  readonly reason?: unknown;
}

/**
 * Answers `flows.control.<executionId>`. A cancel is decided by the terminal record: whoever stores
 * it first, the cancel or the result, wins, and the other finds it there. Every orchestrator hears
 * the request; one of them stores the record, and the one that holds the task stops it. A status is
 * told by the one that holds the task, and by nobody else.
 */
export function answerControl(
  bus: Bus,
  assignments: Assignments,
  fault: (error: unknown, executionId: string) => void,
): Subscription {
  return bus.nc.subscribe(bus.names.control("*"), {
    callback: (error, msg) => {
      if (error !== null) return;
      const executionId = bus.names.executionOf(msg.subject);
      answer(bus, assignments, executionId, msg).catch((cause: unknown) => {
        fault(cause, executionId);
        msg.respond(JSON.stringify({ cancelled: false, reason: (cause as Error).message }));
      });
    },
  });
}

async function answer(
  bus: Bus,
  assignments: Assignments,
  executionId: string,
  msg: Msg,
): Promise<void> {
  const request = readRequest(msg);
  if (request?.action === "status") {
    const held = assignments.find(executionId);
    if (held !== undefined)
      msg.respond(JSON.stringify({ executionId, status: "running", workerId: held.workerId }));
    return;
  }
  if (!isId(executionId) || request?.action !== "cancel") {
    const reason = `only {"action": "cancel"} is understood here, on flows.control.<executionId>`;
    msg.respond(JSON.stringify({ cancelled: false, reason }));
    return;
  }
  const reason =
    typeof request.reason === "string"
      ? request.reason.slice(0, MAX_REASON_CHARS)
      : "no reason was given";
  const cancelled = await cancel(bus, assignments, executionId, reason);
  msg.respond(JSON.stringify({ executionId, cancelled }));
}

const MAX_REASON_CHARS = 2_000;

function readRequest(msg: Msg): ControlRequest | undefined {
  try {
    return msg.json<ControlRequest>();
  } catch {
    // Answered like any other request that is not understood.
    return undefined;
  }
}

async function cancel(
  bus: Bus,
  assignments: Assignments,
  executionId: string,
  reason: string,
): Promise<boolean> {
  const outcome = await storeResultOnce(bus, cancelledResult(assignments, executionId, reason));
  const cancelled =
    outcome === "stored" || (await findResult(bus, executionId))?.status === "cancelled";
  if (outcome === "stored") bus.events.publish(executionId, "cancelled", { reason });
  if (cancelled) stopTask(bus, assignments, executionId, reason);
  return cancelled;
}

/** A queued message needs nothing: when it is delivered, its terminal record is found. */
function stopTask(bus: Bus, assignments: Assignments, executionId: string, reason: string): void {
  const held = assignments.find(executionId);
  if (held === undefined) return;
  const order = { action: "cancel", executionId, reason, recorded: true };
  bus.nc.publish(bus.names.workerControl(held.workerId), JSON.stringify(order));
  ack(bus, held.task.message.ackSubject);
}

function cancelledResult(
  assignments: Assignments,
  executionId: string,
  reason: string,
): ExecutionResult {
  const held = assignments.find(executionId);
  const at = Date.now();
  const queuedAt = held?.task.message.storedAt ?? at;
  const startedAt = held?.assignedAt;
  return {
    executionId,
    flowId: held?.task.flowId ?? null,
    status: "cancelled",
    error: { code: "CANCELLED", message: reason, retryable: false },
    attempts: held?.task.attempt ?? 0,
    workerId: held?.workerId ?? null,
    queuedAt: new Date(queuedAt).toISOString(),
    startedAt: startedAt === undefined ? null : new Date(startedAt).toISOString(),
    finishedAt: new Date(at).toISOString(),
    queueWaitMs: (startedAt ?? at) - queuedAt,
    durationMs: startedAt === undefined ? 0 : at - startedAt,
    lane: held?.task.message.lane ?? "normal",
  };
}
