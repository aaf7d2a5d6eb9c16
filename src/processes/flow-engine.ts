import type { ErrorInfo } from "../domain/errors.ts";
import type { Lane } from "../domain/lane.ts";
import type { LazyAbort } from "./lazy-abort.ts";
import type { PauseSwitch } from "./pause-switch.ts";

/** A flow that was compiled and can be run any number of times. Only the engine looks inside. */
export type PreparedFlow = object;

export type Prepared =
  | {
      readonly type: "ready";
      readonly flow: PreparedFlow;
      /** It has nodes of the user's own, which may compute for long without a pause. */
      readonly mayBlock: boolean;
      /** No node has effects: running it twice harms nobody. */
      readonly pure: boolean;
    }
  | { readonly type: "unsupported"; readonly nodeTypes: readonly string[] }
  | { readonly type: "invalid"; readonly error: ErrorInfo };

export type ReadyFlow = Extract<Prepared, { readonly type: "ready" }>;

export interface FlowRun {
  readonly executionId: string;
  readonly flowId: string;
  readonly lane: Lane;
  readonly attempt: number;
  readonly inputs: unknown;
  /** As the message says, where it says so. */
  readonly maxAttempts?: number | undefined;
  readonly deadline?: string | undefined;
  readonly abort: LazyAbort;
  readonly pause: PauseSwitch;
  /** An earlier attempt ended without a report: it is not known which effects have happened. */
  readonly isUncertain: boolean;
  readonly onEvent: (kind: "node" | "progress", fields: object) => void;
}

export type RunOutcome =
  | { readonly status: "completed"; readonly output: unknown }
  | { readonly status: "failed"; readonly error: ErrorInfo }
  | { readonly status: "cancelled"; readonly error: ErrorInfo }
  /** It surely never began: somebody else is to run it, and no attempt is counted. */
  | { readonly status: "returned"; readonly reason: string };

/** What a worker needs of the engine; the processes wire the two. */
export interface FlowEngine {
  readonly nodeTypes: readonly string[];
  prepare(flowData: unknown): Prepared;
  /** Synchronous for flows of synchronous nodes: that is the hot path. Never throws or rejects. */
  run(flow: PreparedFlow, run: FlowRun): RunOutcome | Promise<RunOutcome>;
}
