import type { Task } from "../../bus/assignments.ts";
import type { BalancingPolicy, Placement, WorkerCandidate } from "../../domain/balancing.ts";
import { placementScores, recordPlacement } from "../../domain/recorded-placement.ts";
import type { DecisionSink } from "../../messages/decision.ts";
import { HEADERS } from "../../messages/subjects.ts";

export interface PlacementsOptions {
  readonly decisions: DecisionSink;
  readonly balancing: BalancingPolicy;
  /** The share of assignments that is taken down, 0-1. */
  readonly sampleShare: number;
  readonly random: () => number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What was looked at when a task was placed. */
export interface Looked {
  readonly task: Task;
  readonly workers: readonly WorkerCandidate[];
  readonly cursor: number;
  readonly placement: Placement;
}

/** Of tasks that found every worker full, one is taken down for each lane in this time. */
const WAIT_EVERY_MS = 1_000;
/** A task that nobody can run is told of so often at the most. */
const UNPLACEABLE_EVERY_MS = 1_000;
const MAX_REMEMBERED = 10_000;

/** Takes down where tasks were placed, and why some were not: the ordinary assignment only where it was asked for. */
export class Placements {
  readonly #options: PlacementsOptions;
  readonly #waitedAt = new Map<string, number>();
  readonly #unplaceableAt = new Map<string, number>();

  constructor(options: PlacementsOptions) {
    this.#options = options;
  }

  /** Called for each task: it must cost next to nothing where nobody asks. */
  assigned(looked: Looked): void {
    const { sampleShare, random } = this.#options;
    const { headers } = looked.task.message;
    const isAsked = headers !== undefined && headers.length > 0 && asksWhy(headers);
    if (isAsked || (sampleShare > 0 && random() < sampleShare)) this.#record("assign", looked);
  }

  waits(looked: Looked): void {
    if (this.#isDue(this.#waitedAt, looked.task.message.lane, WAIT_EVERY_MS))
      this.#record("assign", looked);
  }

  unplaceable(looked: Looked): void {
    if (this.#isDue(this.#unplaceableAt, looked.task.executionId, UNPLACEABLE_EVERY_MS))
      this.#record("unplaceable", looked);
  }

  #isDue(toldAt: Map<string, number>, key: string, everyMs: number): boolean {
    const now = this.#options.now();
    const last = toldAt.get(key);
    if (last !== undefined && now - last < everyMs) return false;
    // In the order of the last telling, so that the first is the one that matters least.
    toldAt.delete(key);
    toldAt.set(key, now);
    const [oldest] = toldAt.keys();
    if (toldAt.size > MAX_REMEMBERED && oldest !== undefined) toldAt.delete(oldest);
    return true;
  }

  #record(kind: "assign" | "unplaceable", { task, workers, cursor, placement }: Looked): void {
    const { decisions, balancing } = this.#options;
    const { executionId, nodeTypes, message } = task;
    const needs = { nodeTypes };
    const workerId = placement.type === "assign" ? { workerId: placement.workerId } : {};
    decisions.record({
      kind,
      about: { executionId, lane: message.lane, ...workerId },
      inputs: recordPlacement(workers, needs, balancing, cursor),
      candidates: placementScores(workers, needs, balancing),
      choice: placement,
      reasons: [placement.reason],
    });
  }
}

function asksWhy(headers: NonNullable<Task["message"]["headers"]>): boolean {
  return headers.some(
    ([name, value]) => name.toLowerCase() === HEADERS.explain.toLowerCase() && value === "1",
  );
}
