import { WaitTimeoutError } from "../domain/errors.ts";
import { ActorTable } from "../messages/actor-table.ts";
import type { InspectionSource } from "../messages/inspection.ts";

/**
 * All actors as they are now, of every process that answers.
 *
 * @throws WaitTimeoutError when they could not be told within `timeoutMs`.
 */
export async function lookAtActors(
  source: InspectionSource,
  timeoutMs: number,
): Promise<ActorTable> {
  const table = new ActorTable();
  const watch = await source.watch(table, []);
  const late = AbortSignal.timeout(timeoutMs);
  try {
    await Promise.race([watch.complete, refusedBy(late, timeoutMs)]);
    return table;
  } finally {
    watch.stop();
  }
}

function refusedBy(late: AbortSignal, timeoutMs: number): Promise<never> {
  const refusal = () =>
    new WaitTimeoutError(`the actors could not be asked within ${timeoutMs} ms`);
  return new Promise((_, reject) => {
    late.addEventListener("abort", () => reject(refusal()), { once: true });
  });
}
