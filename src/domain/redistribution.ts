import { LANES, type Lane } from "./lane.ts";

interface Movable {
  readonly task: { readonly message: { readonly lane: Lane; readonly storedAt: number } };
}

/** The order in which the tasks of a lost worker move: the highest lane first, and in it the oldest. */
export function redistributionOrder<A extends Movable>(assignments: readonly A[]): A[] {
  return [...assignments].sort(({ task: { message: one } }, { task: { message: other } }) => {
    const byLane = LANES.indexOf(one.lane) - LANES.indexOf(other.lane);
    return byLane === 0 ? one.storedAt - other.storedAt : byLane;
  });
}
