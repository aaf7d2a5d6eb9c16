import { type ExecutionEvent, executionMachine } from "../../actors/execution.ts";
import { isoOf } from "../domain/instant.ts";
import { type Bucket, type Rate, waitForToken, withoutToken } from "../domain/token-bucket.ts";
import type { ActorRef } from "../kernel/actor.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { RunningTask } from "./running-task.ts";

export interface ExecutionActorsOptions {
  readonly kernel: Kernel;
  readonly workerId: string;
  /** Whether somebody looks at the actors of this process. */
  readonly isWatched: () => boolean;
  readonly now: () => number;
}

/** An actor costs more than a short flow: of many of those some are shown. */
const RATE: Rate = { burst: 200, perSecond: 100 };
const MAX_ACTORS = 1_000;
/** One that runs for so long is shown whether somebody watches or not. */
export const SLOW_MS = 5_000;

/**
 * Executions as actors `execution/<id>`, for people: those that run while somebody watches, and those
 * that take long. What is not shown costs a look into an empty map.
 */
export class ExecutionActors {
  readonly #options: ExecutionActorsOptions;
  readonly #shown = new Map<string, ActorRef<ExecutionEvent>>();
  #bucket: Bucket | undefined;

  constructor(options: ExecutionActorsOptions) {
    this.#options = options;
  }

  /** It has begun. */
  opened(running: RunningTask): void {
    if (!this.#options.isWatched()) return;
    const now = this.#options.now();
    if (waitForToken(this.#bucket, RATE, now) > 0) return;
    this.#bucket = withoutToken(this.#bucket, RATE, now);
    this.show(running);
  }

  /** Shows it, unless it is shown already or there are too many. */
  show({ task, flowId, startedAt }: RunningTask): void {
    const { executionId, lane, attempt } = task;
    if (this.#shown.has(executionId) || this.#shown.size >= MAX_ACTORS) return;
    const { kernel, workerId } = this.#options;
    const address = `execution/${executionId}`;
    // The one before it was fenced or given up, and is on its way out.
    kernel.stop(address);
    const input = { executionId, flowId, lane, attempt, workerId, startedAt: isoOf(startedAt) };
    const actor = kernel.start({
      address,
      incarnation: String(attempt),
      parent: `worker/${workerId}`,
      machine: executionMachine,
      input,
    });
    this.#shown.set(executionId, actor as ActorRef<ExecutionEvent>);
  }

  tell(executionId: string, event: ExecutionEvent): void {
    if (this.#shown.size === 0) return;
    this.#shown.get(executionId)?.send(event);
  }

  /** It is reported, or left to others: `event` says which, and is its last. */
  ended(executionId: string, event: ExecutionEvent): void {
    this.tell(executionId, event);
    this.#shown.delete(executionId);
  }
}
