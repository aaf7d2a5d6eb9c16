import type { ErrorInfo } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import type { NodeLog } from "./define-node.ts";

/** Time as the engine sees it; moved by hand in tests. */
export interface FlowClock {
  /** Epoch milliseconds. */
  now(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Whether an execution is paused, for as long as it runs. */
export interface PauseSignal {
  readonly paused: boolean;
  /** Called after each change; set by the engine. */
  onChange: (() => void) | undefined;
}

/** One execution of a plan, as the worker asks for it. */
export interface FlowRun {
  readonly executionId: string;
  readonly flowId: string;
  readonly lane: Lane;
  /** Attempt of the execution, from 1. */
  readonly attempt: number;
  /** JSON; an empty object where absent. Shared with the nodes, never changed. */
  readonly inputs?: unknown;
  /** Cancels the execution; its reason is that of the outcome. */
  readonly signal: AbortSignal;
  /** Whether `signal` is aborted, for a caller that makes its signal only when it is looked at. */
  readonly isAborted?: () => boolean;
  /** While it is paused no node is started, and the time limit of the flow stands still. */
  readonly pause?: PauseSignal;
  readonly maxConcurrentNodes: number;
  readonly clock: FlowClock;
  readonly log: NodeLog;
  /** Spreads retries; default Math.random. */
  readonly random?: () => number;
  /** Largest output of a node and of the flow, in bytes of JSON; default 32 MiB. */
  readonly maxOutputBytes?: number;
  /** How long a node that was told to stop may take before its answer is not waited for; default 5 s. */
  readonly abortGraceMs?: number;
  /**
   * Whether an earlier attempt ended without a report, so that it is not known which effects have
   * happened: nodes of class `unsafe` then fail with code UNCERTAIN instead of running.
   */
  readonly isUncertain?: boolean;
  /** Called as it happens; what it throws is logged and changes nothing. */
  onNodeEvent?(event: NodeEvent): void;
}

/** `at` is epoch milliseconds, `attempt` that of the node. */
export type NodeEvent = {
  readonly nodeId: string;
  readonly type: string;
  readonly attempt: number;
  readonly at: number;
} & (
  | { readonly kind: "started" | "skipped" }
  | { readonly kind: "completed"; readonly port: string }
  | { readonly kind: "failed"; readonly error: ErrorInfo }
  | { readonly kind: "retrying"; readonly error: ErrorInfo; readonly delayMs: number }
  | { readonly kind: "progress"; readonly progress: number }
);

/** How an execution ended on this worker. `nodesRun` counts attempts of nodes. */
export type FlowOutcome =
  | {
      readonly status: "completed";
      readonly output: unknown;
      readonly nodesRun: number;
      /** Failures that the author said to go on after. */
      readonly errors: readonly ErrorInfo[];
    }
  | { readonly status: "failed"; readonly error: ErrorInfo; readonly nodesRun: number }
  | { readonly status: "cancelled"; readonly reason: string; readonly nodesRun: number };

export const DEFAULT_MAX_OUTPUT_BYTES = 32 * 1024 * 1024;
export const DEFAULT_ABORT_GRACE_MS = 5_000;
