import { nak } from "../bus/ack.ts";
import type { Task } from "../bus/assignments.ts";
import { placeTask } from "../domain/balancing.ts";
import type { Problem } from "../domain/errors.ts";
import type { Looked } from "./decisions/placements.ts";
import type { DispatcherOptions } from "./dispatcher-options.ts";
import { Unplaceables } from "./unplaceables.ts";

/** How soon a task is offered again that found every able worker full. */
const FULL_RETRY_MS = 50;

/** Chooses a worker for a task that is ready to run, and hands it over. */
export class Placer {
  readonly #options: DispatcherOptions;
  readonly #refuse: (task: Task, problems: readonly Problem[]) => void;
  readonly #unplaceables: Unplaceables;
  #cursor = 0;

  /** `refuse` is called for one that no worker could run for too long. */
  constructor(
    options: DispatcherOptions,
    refuse: (task: Task, problems: readonly Problem[]) => void,
  ) {
    this.#options = options;
    this.#refuse = refuse;
    this.#unplaceables = new Unplaceables(options.unplaceableTimeoutMs);
  }

  /** Tasks that no live worker can run. */
  get unplaceable(): number {
    return this.#unplaceables.size;
  }

  /** Gives the task to a worker, or puts it off, or away. */
  place(task: Task): void {
    const { bus, assignments, candidates, recipient, balancing, pauses, placements, now } =
      this.#options;
    if (pauses.has(task.executionId)) {
      pauses.holdBack(task.executionId, task.message);
      return;
    }
    const workers = candidates();
    const cursor = this.#cursor;
    const placement = placeTask(workers, task, balancing, cursor);
    const looked: Looked = { task, workers, cursor, placement };
    if (placement.type === "wait") {
      placements.waits(looked);
      nak(bus, task.message.ackSubject, FULL_RETRY_MS);
      return;
    }
    const worker = placement.type === "assign" ? recipient(placement.workerId) : undefined;
    if (placement.type === "unplaceable" || worker === undefined) {
      this.postpone(task, placement.reason, (delayMs) => placements.unplaceable(looked, delayMs));
      return;
    }
    this.#cursor += 1;
    placements.assigned(looked);
    this.#unplaceables.forget(task.executionId);
    assignments.forward(task, worker, placement.reason, now());
    this.#options.booked(task.executionId);
    const { executionId, flowId, attempt } = task;
    bus.events.offer(executionId, "assigned", {
      flowId,
      workerId: worker.workerId,
      attempt,
      reason: placement.reason,
    });
  }

  /** Nobody alive can take it: back into the lane for a while, or to the dead letters in the end. */
  postpone(task: Task, reason: string, record: (delayMs: number) => void): void {
    const { bus, candidates, now } = this.#options;
    const anybodyThere = candidates().some(({ assignable }) => assignable);
    const verdict = anybodyThere
      ? this.#unplaceables.judge(task.executionId, now())
      : { type: "again" as const, delayMs: FULL_RETRY_MS, isNew: false };
    if (verdict.type === "give-up") {
      const problems = [{ code: "E_UNSUPPORTED", pointer: "/flowData/nodes", detail: reason }];
      this.#refuse(task, problems);
      return;
    }
    record(verdict.delayMs);
    nak(bus, task.message.ackSubject, verdict.delayMs);
  }
}
