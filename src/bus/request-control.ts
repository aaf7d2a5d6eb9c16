import {
  BatutaError,
  NotFoundError,
  UnreachableError,
  WaitTimeoutError,
} from "../domain/errors.ts";
import type { CancelAnswer, StatusAnswer } from "../messages/control.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

type ControlBus = Pick<Bus, "mux" | "names">;

/** Looking through deep lanes takes its time. */
const CANCEL_MS = 20_000;
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
  { mux, names }: ControlBus,
  executionId: string,
  reason: string,
): Promise<CancelAnswer> {
  const body = JSON.stringify({ action: "cancel", reason });
  const reply = await mux.request(names.control(executionId), body, { timeoutMs: CANCEL_MS });
  const answer = jsonOf<CancelAnswer>(reply);
  if (answer === undefined) throw refused(executionId, "the answer is not JSON");
  if (answer.cancelled || answer.reason === "ended") return answer;
  if (answer.reason === "unknown") {
    throw new NotFoundError(
      `there is no execution ${executionId}: no lane holds it, and no result of the last 24 hours is its own`,
    );
  }
  if (answer.reason === "too_many_queued") throw new WaitTimeoutError(answer.message ?? "");
  throw refused(executionId, answer.reason ?? "no reason was given");
}

function refused(executionId: string, why: string): UnreachableError {
  return new UnreachableError(`execution ${executionId} could not be cancelled now: ${why}`);
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
