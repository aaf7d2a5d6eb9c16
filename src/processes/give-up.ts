import { ack } from "../bus/ack.ts";
import type { Bus } from "../bus/connect.ts";
import { findDeadLetter, originalMessage, storeDeadLetter } from "../bus/dead-letters.ts";
import type { LaneMessage } from "../bus/intake.ts";
import { findResult, type StoreOutcome, storeResultOnce } from "../bus/results.ts";
import type { ErrorInfo, Problem } from "../domain/errors.ts";
import { executionIdOf } from "../domain/ids.ts";
import type {
  AttemptRecord,
  DeadLetter,
  DeadLetterReason,
  ExecutionResult,
} from "../messages/result.ts";

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
 * makes up the dead letter. Nothing is acked before both are stored. "fenced": it had ended already,
 * and nothing was done.
 */
export async function giveUp(bus: Bus, failure: Failure, at: string): Promise<StoreOutcome> {
  const outcome = await storeResultOnce(bus, failedResult(failure, at));
  if (outcome === "fenced") return outcome;
  await storeDeadLetter(bus, deadLetter(bus, failure, at));
  const { error, reason, flowId } = failure;
  bus.events.publish(failure.executionId, "failed", { flowId, reason, error });
  ack(bus, failure.message.ackSubject);
  return outcome;
}

/**
 * Gives up a message that cannot be run. Its executionId may be that of an execution which ended
 * long ago and has nothing to do with it: then it is named after its place in the stream, so that it
 * is in the dead letters all the same.
 */
export async function refuseMessage(bus: Bus, failure: Failure, at: string): Promise<void> {
  if ((await giveUp(bus, failure, at)) === "stored") return;
  const { executionId, message } = failure;
  const ended = await findResult(bus, executionId);
  const isOwn = ended?.queuedAt === new Date(message.storedAt).toISOString();
  if (ended === undefined || isOwn) {
    if (ended !== undefined) await settleEnded(bus, message, ended);
    return;
  }
  const ownId = executionIdOf(message.stream, message.sequence);
  if (ownId === executionId) ack(bus, message.ackSubject);
  else await refuseMessage(bus, { ...failure, executionId: ownId }, at);
}

/**
 * Acks a message whose execution has ended: a duplicate, or one that was redelivered because its
 * ack was lost. A failed one whose dead letter is missing (its writer died in between) gets it now.
 */
export async function settleEnded(
  bus: Bus,
  message: LaneMessage,
  result: ExecutionResult,
): Promise<void> {
  const { executionId, flowId, reason, error, workerId } = result;
  if (result.status === "failed" && reason !== undefined && error !== undefined) {
    const known = await findDeadLetter(bus, result.lane, executionId);
    const failure = { executionId, flowId, message, reason, error, attempts: [], workerId };
    // One of another instant is that of an earlier run, which was replayed and is not removed yet.
    if (known?.deadAt !== result.finishedAt)
      await storeDeadLetter(bus, deadLetter(bus, failure, result.finishedAt));
  }
  ack(bus, message.ackSubject);
}

/** Errors come from anywhere; a record must fit into a message. */
const MAX_ERROR_CHARS = 4_000;

function shortened(error: ErrorInfo): ErrorInfo {
  if (error.message.length <= MAX_ERROR_CHARS) return error;
  return { ...error, message: `${error.message.slice(0, MAX_ERROR_CHARS)}…` };
}

function failedResult(failure: Failure, at: string): ExecutionResult {
  const { executionId, flowId, message, reason, workerId, attempts } = failure;
  const error = shortened(failure.error);
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

function deadLetter(bus: Bus, failure: Failure, at: string): DeadLetter {
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
    message: originalMessage(bus.names, message),
  };
}
