import { LANES, type Lane } from "./lane.ts";

interface Movable {
  readonly task: { readonly message: { readonly lane: Lane; readonly storedAt: number } };
}

/** One task as the order of the move looks at it. */
export interface MovingTask {
  readonly executionId: string;
  readonly lane: Lane;
  /** When it was published, epoch milliseconds. */
  readonly storedAt: number;
}

/** The same order, of what a decision has taken down: executionIds. */
export function orderOfMove(tasks: readonly MovingTask[]): readonly string[] {
  const movable = tasks.map((message) => ({ task: { message } }));
  return redistributionOrder(movable).map(({ task }) => task.message.executionId);
}

/** The order in which the tasks of a lost worker move: the highest lane first, and in it the oldest. */
export function redistributionOrder<A extends Movable>(assignments: readonly A[]): A[] {
  return [...assignments].sort(({ task: { message: one } }, { task: { message: other } }) => {
    const byLane = LANES.indexOf(one.lane) - LANES.indexOf(other.lane);
    return byLane === 0 ? one.storedAt - other.storedAt : byLane;
  });
}
