import {
  BatutaError,
  NotFoundError,
  UnreachableError,
  WaitTimeoutError,
} from "../domain/errors.ts";
import type { CancelAnswer, PauseAnswer, StatusAnswer } from "../messages/control.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

type ControlBus = Pick<Bus, "mux" | "names">;

/** Looking through deep lanes takes its time. */
const ANSWER_MS = 20_000;
/** Only the orchestrator that holds the task answers; what is silent for so long does not hold it. */
const STATUS_MS = 250;

/**
 * Asks the orchestrators to cancel an execution and returns their answer: `cancelled` is false only
 * where it had ended before.
 *
 * @throws NotFoundError when there is no execution of that id.
 * @throws WaitTimeoutError when it is not found among all that waits, or nobody answered in 20 s.
 * @throws UnreachableError when no orchestrator is there to ask, or it could not do it.
 */
export async function requestCancel(
  bus: ControlBus,
  executionId: string,
  reason: string,
): Promise<CancelAnswer> {
  const answer = await ask<CancelAnswer>(bus, executionId, "cancel", reason);
  if (answer.cancelled || answer.reason === "ended") return answer;
  throw refusal(executionId, "cancel", answer);
}

/**
 * Asks the orchestrators to pause an execution, or to let it go on, and returns their answer: its
 * `reason` is "ended" where it had ended before, and "not_paused" where there was nothing to resume.
 *
 * @throws NotFoundError, WaitTimeoutError and UnreachableError as `requestCancel` does.
 */
export async function requestPause(
  bus: ControlBus,
  executionId: string,
  action: "pause" | "resume",
  reason: string,
): Promise<PauseAnswer> {
  const answer = await ask<PauseAnswer>(bus, executionId, action, reason);
  const { reason: why } = answer;
  if (why === undefined || why === "ended" || why === "not_paused") return answer;
  throw refusal(executionId, action, answer);
}

async function ask<A>(
  { mux, names }: ControlBus,
  executionId: string,
  action: string,
  reason: string,
): Promise<A> {
  const body = JSON.stringify({ action, reason });
  const reply = await mux.request(names.control(executionId), body, { timeoutMs: ANSWER_MS });
  const answer = jsonOf<A>(reply);
  if (answer === undefined) {
    throw refusal(executionId, action, { reason: "the answer is not JSON" });
  }
  return answer;
}

function refusal(
  executionId: string,
  action: string,
  { reason = "no reason was given", message = "" }: Pick<CancelAnswer, "reason" | "message">,
): Error {
  if (reason === "too_many_queued") return new WaitTimeoutError(message);
  if (reason === "unknown") {
    return new NotFoundError(
      `there is no execution ${executionId}: no lane holds it, and no result of the last 24 hours is its own`,
    );
  }
  return new UnreachableError(`cannot ${action} execution ${executionId} now: ${reason}`);
}

/** What the orchestrator that holds the task says of it; undefined when none does. */
export async function requestStatus(
  { mux, names }: ControlBus,
  executionId: string,
): Promise<StatusAnswer | undefined> {
  const body = JSON.stringify({ action: "status" });
  try {
    const reply = await mux.request(names.control(executionId), body, { timeoutMs: STATUS_MS });
    return jsonOf<StatusAnswer>(reply);
  } catch (error) {
    if (error instanceof BatutaError && error.retryable) return undefined;
    throw error;
  }
}
