import type { ScalingDecision, ScalingFacts } from "../../domain/scaling-facts.ts";
import type { DecisionCandidate } from "../../messages/decision.ts";

/** Who could have been retired, the emptiest first; nobody where nobody is. */
export function drainCandidates(
  { workers }: ScalingFacts,
  { action, drain }: ScalingDecision,
): readonly DecisionCandidate[] {
  if (action !== "down") return [];
  const chosen = new Set(drain);
  return workers
    .filter(({ leaving }) => !leaving)
    .map(({ workerId, inFlight, managed }) => ({
      id: workerId,
      score: managed ? -inFlight : null,
      why: managed
        ? `holds ${inFlight}${chosen.has(workerId) ? ", is retired" : ""}`
        : "the provisioner did not start it",
    }))
    .sort((one, other) => (other.score ?? -Infinity) - (one.score ?? -Infinity));
}
