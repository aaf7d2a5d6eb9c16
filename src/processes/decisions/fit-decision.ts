import type { Decision } from "../../messages/decision.ts";

/** Candidates beyond these are left out where it matters; the best are first. */
const FEW_CANDIDATES = 20;

/**
 * A decision as text that a message can hold. Of one that is too large the candidates go first, and then the
 * inputs: what was decided and why is always there. `truncated` tells what is missing.
 */
export function fitted(decision: Decision, maxBytes: number): string {
  const few = decision.candidates.slice(0, FEW_CANDIDATES);
  const forms: readonly object[] = [
    decision,
    { ...decision, candidates: few, truncated: "candidates" },
    { ...decision, candidates: few, inputs: null, truncated: "inputs" },
    { ...decision, candidates: [], inputs: null, choice: null, truncated: "choice" },
  ];
  for (const form of forms) {
    const text = JSON.stringify(form);
    if (Buffer.byteLength(text) <= maxBytes) return text;
  }
  const { decisionId, kind, at, by, about, policyVersion } = decision;
  const bare = { decisionId, kind, at, by, about, policyVersion };
  const empty = { inputs: null, candidates: [], choice: null, reasons: ["too large to be kept"] };
  return JSON.stringify({ ...bare, ...empty, truncated: "reasons" });
}
