import type { ScalingFacts, ScalingPolicy } from "./scaling-facts.ts";

/** Milliseconds until the fleet may grow again; 0 or less when it may now. */
export function upRestMs({ now, lastUpAt }: ScalingFacts, { upCooldownMs }: ScalingPolicy): number {
  return restOf(lastUpAt, upCooldownMs, now);
}

/** The same of retiring, which waits for the last scaling in either direction. */
export function downRestMs(
  { now, lastUpAt, lastDownAt }: ScalingFacts,
  policy: ScalingPolicy,
): number {
  const { downCooldownMs } = policy;
  return Math.max(restOf(lastUpAt, downCooldownMs, now), restOf(lastDownAt, downCooldownMs, now));
}

/** A time that is yet to come says that the clock was set back: nobody waits until it comes again. */
function restOf(at: number | null, cooldownMs: number, now: number): number {
  return at === null || at > now ? 0 : at + cooldownMs - now;
}
