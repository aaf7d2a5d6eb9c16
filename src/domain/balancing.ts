/** What the balancer knows of one worker now: own assignments and reported slots, never a beat's load. */
export interface WorkerCandidate {
  readonly workerId: string;
  /** In an assignable state (healthy or degraded), with fresh beats. */
  readonly assignable: boolean;
  /** 1 for healthy, 0.25 for degraded (contract B6). */
  readonly healthWeight: number;
  /** `maxConcurrentFlows` of its registration. */
  readonly slots: number;
  /** Tasks that this worker holds, from this orchestrator and, as far as reported, from others. */
  readonly inFlight: number;
  /** Those of them that have run: their results are being stored. */
  readonly committing: number;
  readonly supports: ReadonlySet<string>;
  readonly pool: string;
  /** It takes tasks that the server delivers to it without the orchestrator. */
  readonly directed: boolean;
}

export const STRATEGIES = ["round_robin", "least_busy", "weighted"] as const;
export type Strategy = (typeof STRATEGIES)[number];

export interface BalancingPolicy {
  readonly strategy: Strategy;
  /** No worker is filled beyond this share of its slots, 0–1; the seed's 0.8. */
  readonly capacityLimit: number;
}

export interface TaskNeeds {
  readonly nodeTypes: readonly string[];
  readonly pool?: string;
}

export type Placement =
  | { readonly type: "assign"; readonly workerId: string; readonly reason: string }
  /** Somebody could take it, but everyone who could is full: it stays in its lane. */
  | { readonly type: "wait"; readonly reason: string }
  /** Nobody alive could ever take it. */
  | { readonly type: "unplaceable"; readonly reason: string };

/**
 * How many tasks a worker may hold: its slots up to the capacity limit, at least one, and half of
 * that while it is degraded.
 */
export function usableSlots(worker: WorkerCandidate, capacityLimit: number): number {
  if (!worker.assignable) return 0;
  const limit = Math.max(1, Math.floor(worker.slots * capacityLimit));
  return worker.healthWeight < 1 ? Math.max(1, Math.floor(limit / 2)) : limit;
}

/**
 * How many more tasks a worker may be given now. A task whose result is being stored is no load any
 * more, but it is in flight until it is acked, and of those there are never more than slots.
 */
export function freeSlots(worker: WorkerCandidate, capacityLimit: number): number {
  const { slots, inFlight, committing } = worker;
  const room = usableSlots(worker, capacityLimit) - (inFlight - committing);
  return Math.max(0, Math.min(room, slots - inFlight));
}

/**
 * Which worker gets a task, and why. `cursor` is the number of assignments so far: round robin goes
 * by it, and ties of the other strategies rotate with it, so that equals share equally.
 */
export function placeTask(
  workers: readonly WorkerCandidate[],
  needs: TaskNeeds,
  policy: BalancingPolicy,
  cursor: number,
): Placement {
  const able = workers.filter((worker) => worker.assignable && supports(worker, needs));
  if (able.length === 0) return unplaceable(workers, needs);
  const free = able.filter((worker) => freeSlots(worker, policy.capacityLimit) > 0);
  if (free.length === 0) {
    return { type: "wait", reason: `all ${able.length} workers that could take it are full` };
  }
  const chosen = choose(free, policy, cursor);
  const room = freeSlots(chosen, policy.capacityLimit);
  const reason = `${policy.strategy}: ${room} of ${usableSlots(chosen, policy.capacityLimit)} slots free, ${free.length} candidates`;
  return { type: "assign", workerId: chosen.workerId, reason };
}

function supports(worker: WorkerCandidate, needs: TaskNeeds): boolean {
  if (needs.pool !== undefined && worker.pool !== needs.pool) return false;
  return needs.nodeTypes.every((type) => worker.supports.has(type));
}

function choose(
  free: readonly WorkerCandidate[],
  policy: BalancingPolicy,
  cursor: number,
): WorkerCandidate {
  const first = cursor % free.length;
  const turn = free[first] as WorkerCandidate;
  if (policy.strategy === "round_robin") return turn;
  const score = SCORES[policy.strategy];
  let best = turn;
  for (let step = 1; step < free.length; step += 1) {
    const next = free[(first + step) % free.length] as WorkerCandidate;
    if (score(next, policy.capacityLimit) > score(best, policy.capacityLimit)) best = next;
  }
  return best;
}

const SCORES = { round_robin: freeSlots, least_busy: idleShare, weighted: weightedRoom };

/** What a worker that could take a task is measured by: the most wins. Round robin looks only at whose turn it is. */
export function scoreOf(worker: WorkerCandidate, policy: BalancingPolicy): number {
  return SCORES[policy.strategy](worker, policy.capacityLimit);
}

/** Least busy: the largest share of its own slots is free; a degraded worker counts a quarter. */
function idleShare(worker: WorkerCandidate, limit: number): number {
  return (freeSlots(worker, limit) / usableSlots(worker, limit)) * worker.healthWeight;
}

/** Weighted: the largest number of free slots by health, so that big workers take more. */
function weightedRoom(worker: WorkerCandidate, limit: number): number {
  return freeSlots(worker, limit) * worker.healthWeight;
}

function unplaceable(workers: readonly WorkerCandidate[], needs: TaskNeeds): Placement {
  const live = workers.filter((worker) => worker.assignable);
  if (live.length === 0) return { type: "unplaceable", reason: "no worker is available" };
  const missing = needs.nodeTypes.filter((type) => !live.some((w) => w.supports.has(type)));
  const reason =
    missing.length > 0
      ? `no live worker supports ${missing.map((type) => `"${type}"`).join(", ")}`
      : `no single live worker supports all of ${needs.nodeTypes.join(", ")}`;
  return { type: "unplaceable", reason };
}
