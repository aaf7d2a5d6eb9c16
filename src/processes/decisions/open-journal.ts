import type { Bus } from "../../bus/connect.ts";
import type { OrchestratorOptions } from "../orchestrator-options.ts";
import { DecisionJournal } from "./journal.ts";
import { policyVersionOf } from "./policy-version.ts";

/** The journal of an orchestrator: its policy version is that of all settings by which it decides. */
export function openJournal(
  orchestratorId: string,
  bus: Bus,
  options: OrchestratorOptions,
): DecisionJournal {
  const { scaling, balancing, retry, weights, unplaceableTimeoutMs, log } = options;
  const rules = { scaling: scaling.policy, balancing, retry, weights, unplaceableTimeoutMs };
  return new DecisionJournal({ bus, orchestratorId, policyVersion: policyVersionOf(rules), log });
}
