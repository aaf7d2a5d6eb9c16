import { InvalidInputError, UnreachableError } from "../domain/errors.ts";
import type { ScalingAnswer, ScalingRequest, ScalingView } from "../messages/scaling.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

const ANSWER_MS = 10_000;

/**
 * Asks the leading orchestrator how scaling stands, after it has changed what `change` says; undefined
 * changes nothing.
 *
 * @throws InvalidInputError with every problem of the change.
 * @throws UnreachableError when no orchestrator leads, or the change could not be stored.
 * @throws WaitTimeoutError when there was no answer in 10 s.
 */
export async function requestScaling(
  { mux, names }: Pick<Bus, "mux" | "names">,
  change?: ScalingRequest,
): Promise<ScalingView> {
  const body = JSON.stringify(change ?? {});
  const reply = await mux.request(names.scaling, body, { timeoutMs: ANSWER_MS }).catch(nobodyLeads);
  const answer = jsonOf<ScalingAnswer>(reply);
  if (answer === undefined) throw new UnreachableError("the answer about scaling is not JSON");
  if (answer.ok) return answer.scaling;
  if (answer.code === "INVALID")
    throw new InvalidInputError(answer.error, { problems: answer.problems });
  throw new UnreachableError(answer.error);
}

function nobodyLeads(error: unknown): never {
  if (!(error instanceof UnreachableError)) throw error;
  const text =
    "no orchestrator leads now: start one with `batuta run`, or try again in some seconds";
  throw new UnreachableError(text, { cause: error });
}
