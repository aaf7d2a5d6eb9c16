import { depthOf, type ScalingFacts, type ScalingPolicy } from "./scaling-facts.ts";

/** Slots of a worker where there is none to ask: the default of BATUTA_WORKER_MAX_CONCURRENT_FLOWS. */
const DEFAULT_SLOTS = 5;

/**
 * How many workers the load asks for (contract B6): enough slots for what arrives and for working the
 * backlog off in time, of which only a share is to be busy,
 * `ceil((arrivals/s + backlog / drain target) * mean service time / slots / utilisation)`.
 * By Little's law the first two factors are the tasks that run at once; of the backlog never more than there
 * are, since a slot more than tasks helps none that takes longer than the drain target. Measured against the
 * seed's rule in research/peers.md 6 C. Null while nothing is known of how long tasks take.
 */
export function sizeByLoad(facts: ScalingFacts, policy: ScalingPolicy): number | null {
  const depth = depthOf(facts);
  const { arrivalsPerS, meanServiceMs } = facts;
  if (arrivalsPerS === 0 && depth === 0) return 0;
  if (meanServiceMs === null) return null;
  const ofBacklog = depth * Math.min(1, meanServiceMs / policy.drainTargetMs);
  const atOnce = arrivalsPerS * (meanServiceMs / 1_000) + ofBacklog;
  const size = Math.ceil(atOnce / meanSlots(facts) / policy.utilisation);
  // A number that is none would be decided, started and taken down as such.
  return Number.isFinite(size) ? Math.max(0, size) : null;
}

/** The largest size that the load asked for within the stabilisation time, the present one included. */
export function steadySize(
  { now, sizes }: ScalingFacts,
  size: number | null,
  { stabilizationMs }: ScalingPolicy,
): number {
  // What is yet to come was seen before the clock was set back.
  const recent = sizes.filter(({ at }) => at <= now && now - at <= stabilizationMs);
  return Math.max(size ?? 0, ...recent.map((sample) => sample.size));
}

function meanSlots({ workers }: ScalingFacts): number {
  const staying = workers.filter(({ leaving }) => !leaving);
  if (staying.length === 0) return DEFAULT_SLOTS;
  return staying.reduce((sum, { slots }) => sum + slots, 0) / staying.length;
}
