import { BatutaError } from "../domain/errors.ts";
import type { PlacementAnswer } from "../messages/control.ts";
import type { Bus } from "./connect.ts";
import { jsonOf } from "./foreign.ts";

const ANSWER_MS = 3_000;

/**
 * Who could take an execution that waits at `place`, as the first orchestrator says that answers; undefined
 * when none does.
 */
export async function requestPlacement(
  { mux, names }: Pick<Bus, "mux" | "names">,
  executionId: string,
  { lane, sequence }: { readonly lane: string; readonly sequence: number },
): Promise<PlacementAnswer | undefined> {
  const body = JSON.stringify({ action: "placement", lane, sequence });
  try {
    const reply = await mux.request(names.control(executionId), body, { timeoutMs: ANSWER_MS });
    const answer = jsonOf<Partial<PlacementAnswer>>(reply);
    // An older one says that it does not understand.
    const isAnswer = Array.isArray(answer?.candidates) && answer.placement !== undefined;
    return isAnswer ? (answer as PlacementAnswer) : undefined;
  } catch (error) {
    if (error instanceof BatutaError && error.retryable) return undefined;
    throw error;
  }
}
