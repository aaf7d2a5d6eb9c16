import { ack } from "../bus/ack.ts";
import type { Assignments } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import { findResult } from "../bus/results.ts";
import { RecentIds } from "./recent-ids.ts";

/** Cancelled executions whose ids are remembered; about 4 MB at the most. */
const REMEMBERED = 20_000;

/**
 * Executions that were cancelled lately, by whichever orchestrator, so that one of them that was on
 * its way to a worker meanwhile is stopped. The terminal record decides; this only spares the run.
 */
export class Cancels {
  readonly #bus: Bus;
  readonly #assignments: Assignments;
  readonly #fault: (error: unknown, executionId: string) => void;
  readonly #recent = new RecentIds(REMEMBERED);

  constructor(
    bus: Bus,
    assignments: Assignments,
    fault: (error: unknown, executionId: string) => void,
  ) {
    this.#bus = bus;
    this.#assignments = assignments;
    this.#fault = fault;
  }

  /** Whether it was said to be cancelled lately: worth a look at its terminal record. */
  has(executionId: string): boolean {
    return this.#recent.has(executionId);
  }

  /** An execution is said to be cancelled. */
  heard(executionId: string): void {
    this.#recent.add(executionId);
    this.booked(executionId);
  }

  /** An execution has come into the books. */
  booked(executionId: string): void {
    if (!this.#recent.has(executionId)) return;
    if (this.#assignments.find(executionId) === undefined) return;
    this.#stopIfCancelled(executionId).catch((error: unknown) => this.#fault(error, executionId));
  }

  /** Its terminal record is stored: tells the worker that has it, if any, and acks its message. */
  stop(executionId: string, reason: string): void {
    const held = this.#assignments.find(executionId);
    if (held === undefined) return;
    const order = { action: "cancel", executionId, reason, recorded: true };
    this.#bus.nc.publish(this.#bus.names.workerControl(held.workerId), JSON.stringify(order));
    ack(this.#bus, held.task.message.ackSubject);
  }

  async #stopIfCancelled(executionId: string): Promise<void> {
    const ended = await findResult(this.#bus, executionId);
    if (ended?.status === "cancelled") this.stop(executionId, ended.error?.message ?? "cancelled");
  }
}
