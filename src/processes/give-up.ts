import { ack } from "../bus/ack.ts";
import type { Bus } from "../bus/connect.ts";
import { findDeadLetter, originalMessage, storeDeadLetter } from "../bus/dead-letters.ts";
import { publishFlowEvent } from "../bus/flow-events.ts";
import type { LaneMessage } from "../bus/intake.ts";
import { storeResultNow } from "../bus/results.ts";
import type { ErrorInfo, Problem } from "../domain/errors.ts";
import type { AttemptRecord, DeadLetter, DeadLetterReason, ExecutionResult } from "../messages/result.ts";

/** An execution that ends as failed, and why. */
export interface Failure {
  readonly executionId: string;
  readonly flowId: string | null;
  readonly message: LaneMessage;
  readonly reason: DeadLetterReason;
  readonly error: ErrorInfo;
  readonly problems?: readonly Problem[];
  readonly attempts: readonly AttemptRecord[];
  readonly workerId: string | null;
  readonly startedAt?: string | undefined;
}

/**
 * Ends an execution as failed: terminal record, then dead letter, then ack. The record comes first
 * because it decides; dying after it, the redelivered message finds the record and `settleEnded`
 * makes up the dead letter. Nothing is acked before both are stored.
 */
export async function giveUp(bus: Bus, failure: Failure, at: string): Promise<void> {
  const outcome = await storeResultNow(bus, failedResult(failure, at));
  if (outcome === "stored") {
    await storeDeadLetter(bus, deadLetter(failure, at));
    const { error, reason } = failure;
    publishFlowEvent(bus, failure.executionId, "failed", { flowId: failure.flowId, reason, error });
  }
  ack(bus.nc, failure.message.ackSubject);
}

/**
 * Acks a message whose execution has ended: a duplicate, or one that was redelivered because its
 * ack was lost. A failed one whose dead letter is missing (its writer died in between) gets it now.
 */
export async function settleEnded(bus: Bus, message: LaneMessage, result: ExecutionResult): Promise<void> {
  const { executionId, flowId, reason, error, workerId } = result;
  if (result.status === "failed" && reason !== undefined && error !== undefined) {
    const known = await findDeadLetter(bus, result.lane, executionId);
    const failure = { executionId, flowId, message, reason, error, attempts: [], workerId };
    if (known === undefined) await storeDeadLetter(bus, deadLetter(failure, result.finishedAt));
  }
  ack(bus.nc, message.ackSubject);
}

function failedResult(failure: Failure, at: string): ExecutionResult {
  const { executionId, flowId, message, error, reason, workerId, attempts } = failure;
  const startedAt = failure.startedAt ?? null;
  const finished = Date.parse(at);
  const started = startedAt === null ? finished : Date.parse(startedAt);
  return {
    executionId,
    flowId,
    status: "failed",
    error,
    reason,
    attempts: attempts.length,
    workerId,
    queuedAt: new Date(message.storedAt).toISOString(),
    startedAt,
    finishedAt: at,
    queueWaitMs: Math.max(0, started - message.storedAt),
    durationMs: Math.max(0, finished - started),
    lane: message.lane,
  };
}

function deadLetter(failure: Failure, at: string): DeadLetter {
  const { executionId, flowId, message, reason, error, problems, attempts } = failure;
  return {
    executionId,
    flowId,
    lane: message.lane,
    reason,
    error,
    ...(problems === undefined ? {} : { problems }),
    attempts,
    deadAt: at,
    message: originalMessage(message),
  };
}
