import type { ErrorInfo } from "./errors.ts";
import type { FlowRetry } from "./flow.ts";

/**
 * When a node is tried again after its attempt number `attempt` failed; undefined when it is given
 * up. The error's own `retryAfterMs` replaces the computed delay and is kept exactly.
 */
export function nextAttempt(
  retry: FlowRetry | undefined,
  error: ErrorInfo,
  attempt: number,
): { delayMs: number; jitter: "full" | "none" } | undefined {
  if (retry === undefined || attempt >= retry.maxAttempts) return undefined;
  if (!error.retryable || retry.notOn?.includes(error.code)) return undefined;
  if (retry.on !== undefined && !retry.on.includes(error.code)) return undefined;
  if (error.retryAfterMs !== undefined) return { delayMs: error.retryAfterMs, jitter: "none" };
  const delayMs = Math.min(retry.maxMs, retry.initialMs * retry.factor ** (attempt - 1));
  return { delayMs, jitter: retry.jitter };
}
