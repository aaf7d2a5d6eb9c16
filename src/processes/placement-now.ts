import type { Bus } from "../bus/connect.ts";
import { storedMessage } from "../bus/stored-message.ts";
import { type BalancingPolicy, placeTask, type WorkerCandidate } from "../domain/balancing.ts";
import { BatutaError } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import { placementScores } from "../domain/recorded-placement.ts";
import type { PlacementAnswer } from "../messages/control.ts";
import { type ExecuteMessage, executeMessage } from "../messages/execute.ts";
import { summary } from "./accept.ts";
import type { FlowNeeds } from "./dispatcher-options.ts";

export interface PlacementDeps {
  readonly bus: Pick<Bus, "jsm" | "names">;
  readonly candidates: () => readonly WorkerCandidate[];
  readonly balancing: BalancingPolicy;
  readonly needsOf: (body: ExecuteMessage) => FlowNeeds;
}

/** As many as are worth reading. */
const MOST_CANDIDATES = 20;

/** Where the message at that place would go if it were placed now; undefined when it is gone. */
export async function placementNow(
  { lane, sequence }: { readonly lane: Lane; readonly sequence: number },
  { bus, candidates, balancing, needsOf }: PlacementDeps,
): Promise<PlacementAnswer | undefined> {
  const stored = await storedMessage(bus, bus.names.streams.flows[lane], { seq: sequence });
  if (stored === undefined) return undefined;
  const known = readNeeds(stored.data, needsOf);
  if (typeof known === "string") {
    const reason = `it cannot be run, and will be dead-lettered: ${known}`;
    return { nodeTypes: [], placement: { type: "unplaceable", reason }, candidates: [] };
  }
  const needs = { nodeTypes: known };
  const workers = candidates();
  const scores = placementScores(workers, needs, balancing);
  return {
    ...needs,
    placement: placeTask(workers, needs, balancing, 0),
    candidates: scores.slice(0, MOST_CANDIDATES),
    candidatesLeftOut: Math.max(0, scores.length - MOST_CANDIDATES),
  };
}

/** The node types that it needs, or what is wrong with it. */
function readNeeds(
  data: Uint8Array,
  needsOf: PlacementDeps["needsOf"],
): readonly string[] | string {
  try {
    const { nodeTypes, problems } = needsOf(executeMessage.decode(data));
    return problems.length > 0 ? summary(problems) : nodeTypes;
  } catch (error) {
    if (!(error instanceof BatutaError)) throw error;
    return error.message;
  }
}
