import type { ExecutionEvent } from "../../actors/execution.ts";
import type { ReceivedTask } from "../bus/worker-link.ts";
import type { Lane } from "../domain/lane.ts";
import type { HeldByWorker } from "../messages/worker.ts";
import type { BeatState, LongTask } from "./beat-state.ts";
import { type ExecutionActors, SLOW_MS } from "./execution-actors.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { PauseSwitch } from "./pause-switch.ts";
import type { RunningTask } from "./running-task.ts";

export interface TaskBookOptions {
  readonly state: BeatState;
  /** The heartbeat thread is to extend these from now on, or one no longer. */
  readonly took: (tasks: readonly LongTask[]) => void;
  readonly dropped: (executionId: string) => void;
  /** Shows executions to those who watch. */
  readonly actors: ExecutionActors;
}

/** From here on a task is long: well below the shortest ack_wait that the settings allow. */
const LONG_MS = 100;

/** The tasks that a worker holds: until they have run they take a slot, and until they are reported they are held. */
export class TaskBook {
  readonly #options: TaskBookOptions;
  readonly #held = new Map<string, RunningTask>();
  #active = 0;
  #sweeper: NodeJS.Timeout | undefined;

  constructor(options: TaskBookOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#held.size;
  }

  /** How many take a slot. */
  get active(): number {
    return this.#active;
  }

  /** Tasks that have run and whose results are being stored. */
  get committing(): number {
    // What was given up is counted as active until it ends.
    return Math.max(0, this.#held.size - this.#active);
  }

  has(executionId: string): boolean {
    return this.#held.has(executionId);
  }

  find(executionId: string): RunningTask | undefined {
    return this.#held.get(executionId);
  }

  ids(): string[] {
    return [...this.#held.keys()];
  }

  tasks(): IterableIterator<RunningTask> {
    return this.#held.values();
  }

  /** The tasks of a lane, as an orchestrator asks for them. */
  ofLane(lane: Lane): HeldByWorker[] {
    const ofLane = [...this.#held.values()].filter(({ task }) => task.lane === lane);
    return ofLane.map(({ flowId, task: { executionId, attempt, ackSubject } }) => ({
      executionId,
      flowId,
      attempt,
      ackSubject,
    }));
  }

  open(task: ReceivedTask, flowId: string): RunningTask {
    const { state, actors } = this.#options;
    const startedAt = Date.now();
    const running: RunningTask = {
      task,
      flowId,
      startedAt,
      abort: new LazyAbort(),
      pause: new PauseSwitch(),
      announced: false,
      recorded: false,
      abandoned: false,
    };
    this.#held.set(task.executionId, running);
    actors.opened(running);
    this.#active += 1;
    state.set("lastTakenAt", startedAt);
    state.set("activeFlows", this.#active);
    this.#sweeper ??= setTimeout(() => this.#sweep(), LONG_MS);
    return running;
  }

  /** Its slot is free. */
  vacate(): void {
    this.#active -= 1;
    this.#options.state.set("activeFlows", this.#active);
  }

  forget({ task, announced }: RunningTask, event: ExecutionEvent): void {
    this.#held.delete(task.executionId);
    this.#options.actors.ended(task.executionId, event);
    if (announced) this.#options.dropped(task.executionId);
  }

  /** Forgets all of them; their slots are taken for as long as they run. */
  clear(): void {
    clearTimeout(this.#sweeper);
    this.#held.clear();
  }

  /** Has tasks extended that take their time. */
  announce(tasks: readonly RunningTask[]): void {
    for (const running of tasks) running.announced = true;
    this.#options.took(
      tasks.map(({ task: { executionId, attempt, ackSubject } }) => ({
        executionId,
        attempt,
        ackSubject,
      })),
    );
  }

  /** Shows those that were started by then (epoch ms) to people who watch, now or later. */
  show(startedBy = Number.POSITIVE_INFINITY): void {
    for (const running of this.#held.values())
      if (running.startedAt <= startedBy) this.#options.actors.show(running);
  }

  /**
   * Tells the heartbeat thread of tasks that take their time, so that it extends them. Most have
   * ended long before; a message to the thread for each would cost more than running them.
   */
  #sweep(): void {
    this.#sweeper = this.#held.size > 0 ? setTimeout(() => this.#sweep(), LONG_MS) : undefined;
    const since = Date.now() - LONG_MS;
    const long = [...this.#held.values()].filter(
      ({ announced, startedAt }) => !announced && startedAt <= since,
    );
    if (long.length > 0) this.announce(long);
    this.show(since + LONG_MS - SLOW_MS);
  }
}
