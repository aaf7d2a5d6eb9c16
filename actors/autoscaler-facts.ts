import type { ScalingDecision } from "../src/domain/scaling-facts.ts";

/** What the autoscaler actor is told. */
export type AutoscalerEvent =
  /** This orchestrator holds the lease, or no more. */
  | { readonly type: "lead" }
  | { readonly type: "follow" }
  /** Scaling shall be decided now and not at the next interval. */
  | { readonly type: "alarm"; readonly reason: string }
  | { readonly type: "decided"; readonly decision: ScalingDecision }
  /** The workers could not be listed, so that nothing could be decided. */
  | { readonly type: "undecided"; readonly error: string }
  | { readonly type: "started" }
  | { readonly type: "startFailed"; readonly error: string }
  | { readonly type: "retired" }
  | { readonly type: "retireFailed"; readonly error: string }
  /** A worker ended that nobody had told to, or never registered. */
  | { readonly type: "crashed"; readonly error: string };

export interface AutoscalerInput {
  readonly now: () => number;
  /** How often scaling is decided without an alarm. */
  readonly intervalMs: number;
  /** It was at work before it failed, and goes on. */
  readonly leads?: boolean | undefined;
}

export interface AutoscalerContext {
  readonly now: () => number;
  readonly intervalMs: number;
  readonly leads: boolean;
  /** What it is at work on; undefined before the first decision. */
  readonly decision: ScalingDecision | undefined;
  /** In a row: what the provisioner could not do, and workers that crashed. */
  readonly failures: number;
  readonly failedAt: number;
  readonly lastError: string | undefined;
  /** An alarm came while it was at work. */
  readonly isAlarmed: boolean;
}

/**
 * The first failure is answered at once, each further one after twice the time. One that comes later than
 * `forgetMs` after the last one is a first one again.
 */
const BACKOFF = { firstMs: 1_000, factor: 2, maxMs: 60_000, forgetMs: 60_000 } as const;

export function initialAutoscaler(input: AutoscalerInput): AutoscalerContext {
  const { now, intervalMs, leads = false } = input;
  return {
    now,
    intervalMs,
    leads,
    decision: undefined,
    failures: 0,
    failedAt: Number.NEGATIVE_INFINITY,
    lastError: undefined,
    isAlarmed: false,
  };
}

/** One more failure, in a row or by itself. */
export function withFailure(context: AutoscalerContext, error: string): Partial<AutoscalerContext> {
  const now = context.now();
  const isRow = now - context.failedAt <= BACKOFF.forgetMs + backoffMs(context);
  return { failures: isRow ? context.failures + 1 : 1, failedAt: now, lastError: error };
}

/** How long nothing is started after the last failure. */
export function backoffMs({ failures }: Pick<AutoscalerContext, "failures">): number {
  if (failures <= 1) return 0;
  return Math.min(BACKOFF.maxMs, BACKOFF.firstMs * BACKOFF.factor ** (failures - 2));
}

/** What is left of that. */
export function restMs(context: AutoscalerContext): number {
  return Math.max(0, context.failedAt + backoffMs(context) - context.now());
}
