import {
  type Bucket,
  isFull,
  type Rate,
  waitForToken,
  withoutToken,
} from "../domain/token-bucket.ts";

/** A worker that restarts, or that several orchestrators ask to register again. */
const PER_WORKER: Rate = { burst: 10, perSecond: 1 };
/** A fleet that starts at once, and what may join per second after that. */
const NEWCOMERS: Rate = { burst: 2_000, perSecond: 50 };
/** Workers that have registered and are yet to beat and to answer. */
const MOST_UNPROVEN = 3_000;
const PRUNE_ABOVE = 4_000;

export interface GateRefusal {
  readonly reason: string;
  readonly retryAfterMs: number;
}

/**
 * How many registrations are looked at. Each costs writes and an actor, so a flood of them is turned
 * away before it costs anything; workers that are here already have room of their own.
 */
export class RegisterGate {
  readonly #buckets = new Map<string, Bucket>();
  #newcomers: Bucket | undefined;

  /** Undefined when the registration may go on. `now` is in milliseconds. */
  judge(
    workerId: string,
    fleet: { readonly isMember: boolean; readonly unproven: () => number },
    now: number,
  ): GateRefusal | undefined {
    const bucket = this.#buckets.get(workerId);
    const ownWaitMs = waitForToken(bucket, PER_WORKER, now);
    if (ownWaitMs > 0) return later(`worker ${workerId} registers too often`, ownWaitMs);
    if (!fleet.isMember) {
      const waitMs = waitForToken(this.#newcomers, NEWCOMERS, now);
      if (waitMs > 0) return later("too many workers register at once", waitMs);
      // Counted only for those who get so far: in a flood that is few.
      const unproven = fleet.unproven();
      if (unproven >= MOST_UNPROVEN) {
        return later(`${unproven} workers have registered and not yet beaten`, 0);
      }
      this.#newcomers = withoutToken(this.#newcomers, NEWCOMERS, now);
    }
    this.#buckets.set(workerId, withoutToken(bucket, PER_WORKER, now));
    if (this.#buckets.size > PRUNE_ABOVE) this.#prune(now);
    return undefined;
  }

  #prune(now: number): void {
    for (const [workerId, bucket] of this.#buckets) {
      if (isFull(bucket, PER_WORKER, now)) this.#buckets.delete(workerId);
    }
  }
}

const LEAST_WAIT_MS = 1_000;

/** Those who are turned away together should not come back together. */
function later(reason: string, waitMs: number): GateRefusal {
  const retryAfterMs = Math.round(Math.max(LEAST_WAIT_MS, waitMs) * (1 + Math.random()));
  return { reason: `${reason}: try again later`, retryAfterMs };
}
