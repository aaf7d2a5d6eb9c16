import { type Arrival, arrivalsOf, inputOf } from "../domain/flow-input.ts";
import type { FlowState } from "../domain/flow-state.ts";
import type { NodeContext, NodeLog } from "./define-node.ts";
import type { FlowClock, FlowRun } from "./run-types.ts";

/**
 * One attempt of one node: what `run` gets, and the way to stop it. What a node may not ask for
 * (a signal, a list of arrivals) is only made when it does.
 */
export class NodeAttempt implements NodeContext<unknown> {
  readonly config: unknown;
  readonly input: unknown;
  readonly nodeId: string;
  readonly node: number;
  readonly attempt: number;
  readonly maxOutputBytes: number;
  readonly #run: FlowRun;
  readonly #state: FlowState;
  readonly #onProgress: (fraction: number) => void;
  #controller: AbortController | undefined;
  #stopped: Error | undefined;

  constructor(
    run: FlowRun,
    state: FlowState,
    start: { readonly node: number; readonly attempt: number; readonly config: unknown },
    maxOutputBytes: number,
    onProgress: (fraction: number) => void,
  ) {
    this.config = start.config;
    this.input = inputOf(state, start.node) ?? null;
    this.node = start.node;
    this.attempt = start.attempt;
    this.nodeId = state.flow.nodes[start.node]?.id ?? "";
    this.maxOutputBytes = maxOutputBytes;
    this.#run = run;
    this.#state = state;
    this.#onProgress = onProgress;
  }

  get inputs(): readonly Arrival[] {
    return arrivalsOf(this.#state, this.node);
  }

  get executionId(): string {
    return this.#run.executionId;
  }

  get flowId(): string {
    return this.#run.flowId;
  }

  get idempotencyKey(): string {
    return `${this.#run.executionId}/${this.nodeId}`;
  }

  get log(): NodeLog {
    return this.#run.log;
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#stopped !== undefined) this.#controller.abort(this.#stopped);
    }
    return this.#controller.signal;
  }

  /** Why the node was told to stop, if it was. */
  get stopReason(): Error | undefined {
    return this.#stopped;
  }

  stop(reason: Error): void {
    if (this.#stopped !== undefined) return;
    this.#stopped = reason;
    this.#controller?.abort(reason);
  }

  // Getters and not methods: nodes take them out of the context by destructuring.
  get now(): () => number {
    return () => this.#run.clock.now();
  }

  get progress(): (fraction: number) => void {
    return (fraction) => this.#onProgress(fraction);
  }

  get sleep(): (delayMs: number) => Promise<void> {
    return (delayMs) => sleepUntil(this.#run.clock, this.signal, delayMs);
  }
}

function sleepUntil(clock: FlowClock, signal: AbortSignal, delayMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const wake = () => {
      signal.removeEventListener("abort", interrupt);
      resolve();
    };
    const timer = clock.setTimeout(wake, delayMs);
    const interrupt = () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", interrupt, { once: true });
  });
}
