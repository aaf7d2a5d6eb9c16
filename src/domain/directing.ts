import { type BalancingPolicy, freeSlots, type WorkerCandidate } from "./balancing.ts";

/** So many messages of one pull for one worker. */
export interface Share {
  readonly workerId: string;
  readonly count: number;
}

/**
 * Whether the server may deliver straight to the workers: all that could be chosen take such tasks,
 * and it makes no difference for a flow which of them runs it.
 */
export function isUniform(workers: readonly WorkerCandidate[]): boolean {
  const able = workers.filter(({ assignable }) => assignable);
  const [first] = able;
  if (first === undefined) return false;
  return able.every(
    ({ directed, pool, supports }) =>
      directed && pool === first.pool && isSameSet(supports, first.supports),
  );
}

function isSameSet(one: ReadonlySet<string>, other: ReadonlySet<string>): boolean {
  if (one === other) return true;
  return one.size === other.size && [...one].every((item) => other.has(item));
}

/**
 * How many of `count` messages each worker gets, never more than it has free slots. Round robin
 * shares equally; least busy and weighted share by free slots and health. What rounding leaves over
 * goes round from `cursor`, so that equals share equally over time.
 */
export function shareOut(
  workers: readonly WorkerCandidate[],
  count: number,
  policy: BalancingPolicy,
  cursor: number,
): Share[] {
  const rooms = workers.map((worker) => freeSlots(worker, policy.capacityLimit));
  const weights = workers.map(({ healthWeight }, index) => {
    const room = rooms[index] ?? 0;
    if (room === 0) return 0;
    return policy.strategy === "round_robin" ? 1 : room * healthWeight;
  });
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (total === 0) return [];
  const shares = weights.map((weight, index) =>
    Math.min(rooms[index] ?? 0, Math.floor((count * weight) / total)),
  );
  handOutRest(shares, rooms, count, cursor);
  return workers.flatMap(({ workerId }, index) => {
    const share = shares[index] ?? 0;
    return share > 0 ? [{ workerId, count: share }] : [];
  });
}

function handOutRest(shares: number[], rooms: readonly number[], count: number, cursor: number) {
  let left = count - shares.reduce((sum, share) => sum + share, 0);
  for (let step = 0; left > 0 && step < shares.length * count; step += 1) {
    const index = (cursor + step) % shares.length;
    const share = shares[index] ?? 0;
    if (share >= (rooms[index] ?? 0)) continue;
    shares[index] = share + 1;
    left -= 1;
  }
}

/**
 * Whether a lane is served by directed pulls now. A lane whose messages workers hand back (they are
 * redelivered, delayed, or need looking up) is served by forwarding for a while, twice as long each
 * time it happens again.
 */
export interface LaneDirecting {
  /** Pulls that are still to be forwarded. */
  readonly forwardPulls: number;
  readonly penalty: number;
}

export const DIRECTING: LaneDirecting = { forwardPulls: 0, penalty: 1 };

const MOST_PENALTY = 256;

/** After a pull that was forwarded. */
export function afterForward(state: LaneDirecting): LaneDirecting {
  return { ...state, forwardPulls: Math.max(0, state.forwardPulls - 1) };
}

/** After a directed pull of which `returned` messages were handed back. */
export function afterDirected(state: LaneDirecting, returned: number): LaneDirecting {
  if (returned === 0) return { forwardPulls: 0, penalty: Math.max(1, state.penalty / 2) };
  const penalty = Math.min(MOST_PENALTY, state.penalty * 2);
  return { forwardPulls: penalty, penalty };
}
