import { LANES, type Lane, type PerLane, perLane } from "./lane.ts";

/**
 * What deficit round robin remembers between cycles: how many pulls each lane is owed. A lane that
 * is owed less than one pull keeps the fraction, which is why the low lane never stops.
 */
export type LaneDeficits = PerLane<number>;

export const NO_DEFICITS: LaneDeficits = perLane(() => 0);

/** The lanes that may have something to give; a lane that came up short is not asked until it rings. */
export type WetLanes = PerLane<boolean>;

export interface PullPlan {
  /** How many messages to ask of each lane now; together never more than the free slots. */
  readonly pulls: PerLane<number>;
  readonly deficits: LaneDeficits;
}

/**
 * How many messages to pull from each lane for `freeSlots` slots.
 *
 * Deficit round robin (Shreedhar and Varghese, 1995): each cycle hands out the free slots by weight
 * among the lanes that are wet; what is owed beyond a whole message is kept for the next cycle. With
 * 8:3:1 and all lanes full the shares are 66.7, 25 and 8.3 %. Slots that rounding left over go to
 * the lane that is owed most, so no slot idles while a lane is wet.
 */
export function planPulls(
  freeSlots: number,
  wet: WetLanes,
  weights: PerLane<number>,
  deficits: LaneDeficits,
): PullPlan {
  const lanes = LANES.filter((lane) => wet[lane]);
  const pulls = perLane(() => 0);
  const owed = { ...deficits };
  if (freeSlots <= 0 || lanes.length === 0) return { pulls, deficits };
  const totalWeight = lanes.reduce((sum, lane) => sum + weights[lane], 0);
  for (const lane of lanes) owed[lane] += (freeSlots * weights[lane]) / totalWeight;
  let left = freeSlots;
  while (left > 0) {
    const lane = mostOwed(lanes, owed);
    const take = Math.max(1, Math.min(left, Math.floor(owed[lane])));
    pulls[lane] += take;
    owed[lane] -= take;
    left -= take;
  }
  return { pulls, deficits: owed };
}

/**
 * The deficits after a lane gave `got` of the `asked` messages. A lane that came up short is empty:
 * it loses its claim, or it would flood the others when it fills again.
 */
export function settlePull(
  deficits: LaneDeficits,
  lane: Lane,
  asked: number,
  got: number,
): LaneDeficits {
  return got >= asked ? deficits : { ...deficits, [lane]: 0 };
}

function mostOwed(lanes: readonly Lane[], owed: PerLane<number>): Lane {
  return lanes.reduce((most, lane) => (owed[lane] > owed[most] ? lane : most));
}
