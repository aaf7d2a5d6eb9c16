import type { StreamConfig } from "@nats-io/jetstream";

/** Limits where -1 or 0 means none, so that none is the largest. */
const LIMITS = ["max_msgs", "max_bytes", "max_age", "max_msgs_per_subject"] as const;

/**
 * The update that gives a stream what is wanted without taking anything away, or undefined when it
 * has it all: subjects are added, limits grow, and an operator's larger values stay.
 */
export function growOnly(
  existing: StreamConfig,
  wanted: Partial<StreamConfig>,
): Partial<StreamConfig> | undefined {
  const update: Partial<StreamConfig> = {};
  const missing = (wanted.subjects ?? []).filter((s) => !(existing.subjects ?? []).includes(s));
  if (missing.length > 0) update.subjects = [...(existing.subjects ?? []), ...missing];
  for (const limit of LIMITS) {
    const value = wanted[limit];
    if (value !== undefined && exceeds(value, existing[limit])) update[limit] = value;
  }
  if ((wanted.num_replicas ?? 1) > existing.num_replicas)
    update.num_replicas = wanted.num_replicas ?? 1;
  return Object.keys(update).length === 0 ? undefined : update;
}

function exceeds(wanted: number, existing: number): boolean {
  if (existing <= 0) return false;
  return wanted <= 0 || wanted > existing;
}
