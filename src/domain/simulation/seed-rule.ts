import {
  depthOf,
  type ScalingDecision,
  type ScalingFacts,
  type ScalingPolicy,
} from "../scaling-facts.ts";

/**
 * The rule of the system that Batuta replaces (seed.md, "Auto-Scaling"): once a minute one more or one less.
 * Kept to compare with, and for nothing else.
 */
export function decideAsSeed(facts: ScalingFacts, policy: ScalingPolicy): ScalingDecision {
  const staying = facts.workers.filter(({ leaving }) => !leaving);
  const count = staying.length + facts.starting;
  const load = facts.meanLoad ?? 0;
  const depth = depthOf(facts);
  const hold = { action: "hold", desired: count, count, size: null, start: 0, drain: [] } as const;
  const isFull = depth > policy.highWatermark || load > policy.upLoad || staying.length === 0;
  if (isFull && count < policy.maxWorkers)
    return { ...hold, action: "up", desired: count + 1, start: 1, reasons: ["full"] };
  if (load >= policy.downLoad || count <= policy.minWorkers)
    return { ...hold, reasons: ["as it is"] };
  const [emptiest] = [...staying].sort((one, other) => one.inFlight - other.inFlight);
  if (emptiest === undefined) return { ...hold, reasons: ["nobody to retire"] };
  const drain = [emptiest.workerId];
  return { ...hold, action: "down", desired: count - 1, drain, reasons: ["empty"] };
}
