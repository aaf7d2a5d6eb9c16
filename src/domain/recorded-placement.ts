import {
  type BalancingPolicy,
  freeSlots,
  type Placement,
  placeTask,
  scoreOf,
  type TaskNeeds,
  usableSlots,
  type WorkerCandidate,
} from "./balancing.ts";

/** A worker as a decision takes it down: plain JSON. */
export interface RecordedCandidate extends Omit<WorkerCandidate, "supports"> {
  /** Of the node types that the task needs. */
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
  const recorded = workers.map((worker) => recordedCandidate(worker, needs));
  return { workers: recorded, needs, policy, cursor };
}

/** The same decision once more. */
export function placeAgain({ workers, needs, policy, cursor }: RecordedPlacement): Placement {
  const candidates = workers.map((worker) => ({ ...worker, supports: new Set(worker.supports) }));
  return placeTask(candidates, needs, policy, cursor);
}

export interface PlacementScore {
  readonly id: string;
  readonly score: number | null;
  readonly why: string;
}

/** How each of them did, the best first: what it is measured by, or why it could not take the task. */
export function placementScores(
  workers: readonly WorkerCandidate[],
  needs: TaskNeeds,
  policy: BalancingPolicy,
): PlacementScore[] {
  const scored = workers.map((worker) => {
    const id = worker.workerId;
    const why = obstacle(worker, needs, policy);
    if (why !== undefined) return { id, score: null, why };
    const free = freeSlots(worker, policy.capacityLimit);
    const ill = worker.healthWeight < 1 ? ", degraded" : "";
    return { id, score: scoreOf(worker, policy), why: `${free} slots free${ill}` };
  });
  return scored.sort((one, other) => (other.score ?? -1) - (one.score ?? -1));
}

/** Why a worker cannot take a task now; undefined when it could. */
function obstacle(
  worker: WorkerCandidate,
  { nodeTypes, pool }: TaskNeeds,
  { capacityLimit }: BalancingPolicy,
): string | undefined {
  if (!worker.assignable) return "gets no work now";
  if (pool !== undefined && worker.pool !== pool) return `of pool ${worker.pool}, not ${pool}`;
  const missing = nodeTypes.filter((type) => !worker.supports.has(type));
  if (missing.length > 0) return `does not know ${missing.join(", ")}`;
  if (freeSlots(worker, capacityLimit) > 0) return undefined;
  return `full: ${worker.inFlight} in ${worker.slots} slots, ${usableSlots(worker, capacityLimit)} may be used`;
}

/** Getters become values: what is taken down must not change afterwards. */
function recordedCandidate(worker: WorkerCandidate, needs: TaskNeeds): RecordedCandidate {
  const { workerId, assignable, healthWeight, slots, inFlight, committing } = worker;
  const { pool, directed } = worker;
  // Of what it supports nothing else is asked, and a thousand such lists fit into no message.
  const supports = needs.nodeTypes.filter((type) => worker.supports.has(type));
  const facts = { workerId, assignable, healthWeight, slots, inFlight, committing };
  return { ...facts, supports, pool, directed };
}
