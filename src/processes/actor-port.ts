import type { OrchestratorPort } from "../http/port.ts";
import { actorView, noSuchActor, pageOf } from "../messages/actor-view.ts";
import type { InspectionSource } from "../messages/inspection.ts";
import { lookAtActors } from "./look-at-actors.ts";

const ANSWER_MS = 5_000;
/** Whoever polls gets the same answer for so long: to look asks every process for all its actors. */
const FRESH_MS = 1_000;

/** What the HTTP API tells of actors, looked at over the bus. */
export function actorPort(source: InspectionSource): Pick<OrchestratorPort, "actors" | "actor"> {
  const look = atMostEvery(FRESH_MS, () => lookAtActors(source, ANSWER_MS));
  return {
    actors: async (query) => pageOf(await look(), query),
    actor: async (address, node) => {
      const table = await look();
      const view = actorView(table, address, node);
      if (view === undefined) throw noSuchActor(table, address, node);
      return view;
    },
  };
}

/** Whoever asks while an answer is on its way, or fresh, shares it; a failure is not kept. */
function atMostEvery<T>(freshMs: number, ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined;
  const forget = () => {
    answer = undefined;
  };
  return () => {
    answer ??= ask().then(
      (value) => {
        setTimeout(forget, freshMs).unref();
        return value;
      },
      (error: unknown) => {
        forget();
        throw error;
      },
    );
    return answer;
  };
}
