import type { Decision, DecisionPart } from "../../messages/decision.ts";

/** Those beyond are counted only: a thousand workers that are all full say no more than fifty of them. */
const MOST_CANDIDATES = 50;
const FEW_CANDIDATES = 5;

/**
 * A decision as text that a message can hold. What is too large loses its workers first, and then all of its
 * inputs: what was decided and why is there to the last. `truncated` tells what is missing.
 *
 * @throws TypeError when it holds what JSON has no words for.
 */
export function fitted(decision: Decision, maxBytes: number): string {
  const form = withCandidates(decision, MOST_CANDIDATES);
  const few = withCandidates(decision, FEW_CANDIDATES);
  const forms: readonly (() => Decision)[] = [
    () => form,
    () => cut({ ...form, inputs: withoutWorkers(decision.inputs) }, "workers"),
    () => cut({ ...few, inputs: null }, "inputs"),
    () => cut({ ...few, inputs: null, choice: null }, "choice"),
  ];
  for (const make of forms) {
    const text = JSON.stringify(make());
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  const bare = { ...decision, inputs: null, candidates: [], choice: null };
  return JSON.stringify(cut({ ...bare, reasons: ["too large to be kept"] }, "reasons"));
}

function cut(decision: Decision, truncated: DecisionPart): Decision {
  return { ...decision, truncated };
}

function withCandidates(decision: Decision, most: number): Decision {
  const { candidates } = decision;
  if (candidates.length <= most) return decision;
  const candidatesLeftOut = candidates.length - most;
  return { ...decision, candidates: candidates.slice(0, most), candidatesLeftOut };
}

/** Of scaling and of placements nothing else grows with the fleet. */
function withoutWorkers(inputs: unknown): unknown {
  if (typeof inputs !== "object" || inputs === null) return inputs;
  if ("workers" in inputs) return { ...inputs, workers: [] };
  if (!("facts" in inputs)) return inputs;
  return { ...inputs, facts: { ...(inputs.facts as object), workers: [] } };
}
