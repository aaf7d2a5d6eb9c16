import type { Config } from "../../config/variables.ts";
import type { ScalingPolicy } from "../../domain/scaling-facts.ts";

/** Of the settings of scaling those that decide; named one by one, since each is taken down with every decision. */
export function scalingPolicyOf(scaling: Config["scaling"]): ScalingPolicy {
  const { minWorkers, maxWorkers, highWatermark, lowWatermark, upLoad, downLoad } = scaling;
  const { drainTargetMs, utilisation, upStep, downStep } = scaling;
  const { upCooldownMs, downCooldownMs, stabilizationMs } = scaling;
  return {
    minWorkers,
    maxWorkers,
    highWatermark,
    lowWatermark,
    upLoad,
    downLoad,
    drainTargetMs,
    utilisation,
    upStep,
    downStep,
    upCooldownMs,
    downCooldownMs,
    stabilizationMs,
  };
}
