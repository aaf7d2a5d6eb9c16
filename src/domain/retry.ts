import type { ErrorInfo } from "./errors.ts";

export interface RetryPolicy {
  /** Attempts in all, the first included. */
  readonly maxAttempts: number;
  readonly backoffMs: number;
  readonly backoffFactor: number;
  readonly backoffMaxMs: number;
}

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: 5,
  backoffMs: 1_000,
  backoffFactor: 2,
  backoffMaxMs: 300_000,
};

export type RetryDecision =
  | { readonly type: "retry"; readonly delayMs: number; readonly reason: string }
  | {
      readonly type: "give-up";
      readonly because: "max_attempts" | "not_retryable" | "expired" | "poison";
      readonly reason: string;
    };

/** All that is known when an attempt has failed; `now` and `deadline` are epoch milliseconds. */
export type FailedAttempt =
  | {
      readonly cause: "error";
      readonly error: ErrorInfo;
      readonly attempt: number;
      readonly policy: RetryPolicy;
      /** In [0, 1). */
      readonly random: number;
      readonly now: number;
      readonly deadline?: number | undefined;
    }
  | {
      readonly cause: "death";
      /** The attempts that ended with the death of a worker, this one included. */
      readonly deaths: readonly { readonly workerId: string | null }[];
      readonly attempt: number;
      readonly policy: RetryPolicy;
    };

/** What follows a failed attempt, whether it failed by itself or with its worker. */
export function decideNext(failed: FailedAttempt): RetryDecision {
  if (failed.cause === "death") return decideDeath(failed.deaths, failed.attempt, failed.policy);
  const { error, attempt, policy, random, now, deadline } = failed;
  return decideRetry(error, attempt, policy, random, now, deadline);
}

/**
 * What follows a failed attempt: another one after a delay, or the dead letters.
 *
 * The delay is exponential with full jitter, `random() * min(max, base * factor^(attempt-1))`
 * ("Exponential Backoff And Jitter", AWS Architecture Blog, 2015), or what the error asks for.
 * `attempt` counts from 1; `random` is in [0, 1); `deadline` and `now` are epoch milliseconds.
 */
export function decideRetry(
  error: ErrorInfo,
  attempt: number,
  policy: RetryPolicy,
  random: number,
  now: number,
  deadline?: number,
): RetryDecision {
  if (!error.retryable) {
    return { type: "give-up", because: "not_retryable", reason: `${error.code} is not retryable` };
  }
  if (attempt >= policy.maxAttempts) {
    const reason = `attempt ${attempt} of ${policy.maxAttempts} failed with ${error.code}`;
    return { type: "give-up", because: "max_attempts", reason };
  }
  const delayMs = error.retryAfterMs ?? backoffDelayMs(attempt, policy, random);
  if (deadline !== undefined && now + delayMs >= deadline) {
    const reason = `the deadline is before the next attempt, ${delayMs} ms away`;
    return { type: "give-up", because: "expired", reason };
  }
  return { type: "retry", delayMs, reason: `attempt ${attempt} failed with ${error.code}` };
}

/** Workers that may die with a task before it is held to have killed them (contract B6). */
const POISON_DEATHS = 2;

/**
 * What follows the death of a worker with a task. It moves at once, but not to a third worker: what
 * was in flight on two that died is given up as poison. `deaths` are the attempts that ended so, this
 * one included.
 */
export function decideDeath(
  deaths: readonly { readonly workerId: string | null }[],
  attempt: number,
  policy: RetryPolicy,
): RetryDecision {
  const workers = deaths.map(({ workerId }) => workerId).join(" and ");
  if (deaths.length >= POISON_DEATHS) {
    const reason = `${deaths.length} workers died with it: ${workers}`;
    return { type: "give-up", because: "poison", reason };
  }
  if (attempt >= policy.maxAttempts) {
    const reason = `attempt ${attempt} of ${policy.maxAttempts} ended with the death of ${workers}`;
    return { type: "give-up", because: "max_attempts", reason };
  }
  return { type: "retry", delayMs: 0, reason: `worker ${workers} died with it` };
}

export function backoffDelayMs(attempt: number, policy: RetryPolicy, random: number): number {
  const ceiling = policy.backoffMs * policy.backoffFactor ** (attempt - 1);
  return Math.round(random * Math.min(policy.backoffMaxMs, ceiling));
}
