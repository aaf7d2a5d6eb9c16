/** How often a crashed server is started again before its supervisor gives up. */
export interface RestartPolicy {
  readonly maxRestarts: number;
  readonly withinMs: number;
  readonly firstDelayMs: number;
  readonly maxDelayMs: number;
}

export const RESTART_POLICY: RestartPolicy = {
  maxRestarts: 5,
  withinMs: 30_000,
  firstDelayMs: 100,
  maxDelayMs: 5_000,
};

export type RestartDecision =
  | { readonly type: "restart"; readonly delayMs: number }
  | { readonly type: "give-up"; readonly crashes: number };

/**
 * What to do after a crash. `crashes` are the instants of all crashes so far, this one included;
 * those older than `withinMs` do not count. The delay doubles with each one that does.
 */
export function decideRestart(
  crashes: readonly number[],
  now: number,
  policy: RestartPolicy = RESTART_POLICY,
): RestartDecision {
  const recent = crashes.filter((at) => now - at < policy.withinMs).length;
  if (recent > policy.maxRestarts) return { type: "give-up", crashes: recent };
  const delayMs = policy.firstDelayMs * 2 ** Math.max(0, recent - 1);
  return { type: "restart", delayMs: Math.min(delayMs, policy.maxDelayMs) };
}
