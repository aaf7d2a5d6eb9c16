/** How often an actor may fail before it is given up. */
export interface RestartPolicy {
  /** Restarts allowed within `periodMs`; one failure more is a fault. Default 3. */
  readonly intensity: number;
  /** Default 30 s. */
  readonly periodMs: number;
  /** Before the first restart; each further one within the period waits four times as long. Default 100. */
  readonly backoffMs: number;
}

export const DEFAULT_RESTARTS: RestartPolicy = {
  intensity: 3,
  periodMs: 30_000,
  backoffMs: 100,
};

type RestartDecision =
  | { readonly type: "restart"; readonly afterMs: number }
  | { readonly type: "give-up" };

/** The restarts of one actor. */
export class RestartRecord {
  readonly #policy: RestartPolicy;
  /** The last ones: no more than the policy looks at. */
  #at: readonly number[] = [];
  #count = 0;

  constructor(policy: RestartPolicy) {
    this.#policy = policy;
  }

  /** All of them. */
  get count(): number {
    return this.#count;
  }

  /** What to do about a failure now. */
  decide(now: number): RestartDecision {
    return decideRestart(this.#at, now, this.#policy);
  }

  note(now: number): void {
    this.#count++;
    this.#at = [...this.#at, now].slice(-this.#policy.intensity);
  }
}

/** What to do about one more failure. `restartsAt` are the times of the restarts so far. */
function decideRestart(
  restartsAt: readonly number[],
  now: number,
  policy: RestartPolicy,
): RestartDecision {
  const recent = restartsAt.filter((at) => now - at < policy.periodMs).length;
  if (recent >= policy.intensity) return { type: "give-up" };
  return { type: "restart", afterMs: policy.backoffMs * 4 ** recent };
}
