import { ACK_WAIT_OVER, type Assignment, type HeldTask } from "../bus/assignments.ts";
import type { ExecutionPlace } from "../bus/executions.ts";
import type { LaneMessage, LanePlace } from "../bus/intake.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { AttemptRecord, DeadLetterReason } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";

/** The error code of a message that is given up without an attempt. */
export const REFUSAL_CODES: Partial<Record<DeadLetterReason, string>> = {
  invalid: "INVALID",
  too_large: "TOO_LARGE",
  expired: "EXPIRED",
  unsupported: "UNSUPPORTED",
};

/** How soon a second message of an execution in flight is looked at again. */
export const DUPLICATE_RETRY_MS = 2_000;

/** When the execution may start, epoch milliseconds; 0 without `delayMs` and `runAt`. */
export function dueTime(message: LaneMessage, body: ExecuteMessage): number {
  if (body.runAt !== undefined) return Date.parse(body.runAt);
  return body.delayMs === undefined ? 0 : message.storedAt + body.delayMs;
}

/** When nobody wants the execution any more, epoch ms, by the message or by its header. */
export function deadlineOf(
  { headers }: Pick<LaneMessage, "headers">,
  body: ExecuteMessage | undefined,
): number | undefined {
  const own = headers?.find(([name]) => name === HEADERS.deadline)?.[1];
  const all = [Date.parse(body?.deadline ?? ""), Number(own ?? Number.NaN)].filter(Number.isFinite);
  return all.length === 0 ? undefined : Math.min(...all);
}

/** How long a message that came back early has yet to wait for its next attempt; 0 when it is due. */
export function retryWait(last: AttemptRecord | undefined, now: number): number {
  return last?.retryAt === undefined ? 0 : Math.max(0, Date.parse(last.retryAt) - now);
}

/** The same message again while it is assigned: its worker has let ack_wait run out without a word. */
export function silence({ task, workerId }: Assignment, now: number): AttemptRecord {
  const message = `worker ${workerId} neither extended nor settled it within ack_wait`;
  const error = { code: ACK_WAIT_OVER, message, retryable: true };
  return { attempt: task.attempt, workerId, error, at: new Date(now).toISOString() };
}

export function isSameMessage(one: LanePlace, other: LanePlace): boolean {
  return one.stream === other.stream && one.sequence === other.sequence;
}

/** What is kept of where a task's message is. */
export function placeOf({ flowId, message }: HeldTask): ExecutionPlace {
  const { lane, sequence, storedAt } = message;
  return { lane, sequence, storedAt, flowId };
}
