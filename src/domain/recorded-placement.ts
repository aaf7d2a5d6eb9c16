import {
  type BalancingPolicy,
  freeSlots,
  type Placement,
  placeTask,
  type TaskNeeds,
  type WorkerCandidate,
} from "./balancing.ts";

/** A worker as a decision takes it down: plain JSON. */
export interface RecordedCandidate extends Omit<WorkerCandidate, "supports"> {
  readonly supports: readonly string[];
}

/** All that `placeTask` was given. */
export interface RecordedPlacement {
  readonly workers: readonly RecordedCandidate[];
  readonly needs: TaskNeeds;
  readonly policy: BalancingPolicy;
  readonly cursor: number;
}

export function recordPlacement(
  workers: readonly WorkerCandidate[],
  needs: TaskNeeds,
  policy: BalancingPolicy,
  cursor: number,
): RecordedPlacement {
  return { workers: workers.map(recordedCandidate), needs, policy, cursor };
}

/** The same decision once more. */
export function placeAgain({ workers, needs, policy, cursor }: RecordedPlacement): Placement {
  const candidates = workers.map((worker) => ({ ...worker, supports: new Set(worker.supports) }));
  return placeTask(candidates, needs, policy, cursor);
}

/** How each of them did: the room that it has, or why it could not take the task. */
export function placementScores(
  workers: readonly WorkerCandidate[],
  { nodeTypes, pool }: TaskNeeds,
  { capacityLimit }: BalancingPolicy,
): { readonly id: string; readonly score: number | null; readonly why: string }[] {
  const scored = workers.map((worker) => {
    const missing = nodeTypes.filter((type) => !worker.supports.has(type));
    const free = freeSlots(worker, capacityLimit);
    const obstacle = !worker.assignable
      ? "gets no work now"
      : pool !== undefined && worker.pool !== pool
        ? `of pool ${worker.pool}, not ${pool}`
        : missing.length > 0
          ? `does not know ${missing.join(", ")}`
          : free === 0
            ? `full: ${worker.inFlight} of ${worker.slots} slots`
            : undefined;
    const id = worker.workerId;
    if (obstacle !== undefined) return { id, score: null, why: obstacle };
    return { id, score: free * worker.healthWeight, why: `${free} slots free` };
  });
  return scored.sort((one, other) => (other.score ?? -1) - (one.score ?? -1));
}

/** Getters become values: what is taken down must not change afterwards. */
function recordedCandidate(worker: WorkerCandidate): RecordedCandidate {
  const { workerId, assignable, healthWeight, slots, inFlight, committing, pool, directed } =
    worker;
  const supports = [...worker.supports];
  return {
    workerId,
    assignable,
    healthWeight,
    slots,
    inFlight,
    committing,
    supports,
    pool,
    directed,
  };
}
