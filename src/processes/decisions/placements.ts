import { asksWhy } from "../../bus/asks-why.ts";
import type { Task } from "../../bus/assignments.ts";
import type { TookTask } from "../../bus/directed-pulls.ts";
import type { BalancingPolicy, Placement, WorkerCandidate } from "../../domain/balancing.ts";
import { placementScores, recordPlacement } from "../../domain/recorded-placement.ts";
import type { DecisionSink } from "../../messages/decision.ts";
import { OncePerKey } from "../once-per-key.ts";

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

const DELIVERED =
  "the lane is delivered straight to the workers, which are alike: the server gave it to this one";

/** Takes down where tasks were placed, and why some were not: the ordinary assignment only where it was asked for. */
export class Placements {
  readonly #options: PlacementsOptions;
  readonly #samples: boolean;
  readonly #waited = new OncePerKey(WAIT_EVERY_MS);
  readonly #unplaceable = new OncePerKey(UNPLACEABLE_EVERY_MS);

  constructor(options: PlacementsOptions) {
    this.#options = options;
    this.#samples = options.sampleShare > 0;
  }

  /** Called for each task: it must cost next to nothing where nobody asks. */
  assigned(looked: Looked): void {
    if (this.#isWanted(asksWhy(looked.task.message.headers))) this.#record("assign", looked);
  }

  /** The same of one that no orchestrator has placed. */
  delivered(workerId: string, { executionId, place, explain }: TookTask): void {
    if (!this.#isWanted(explain)) return;
    this.#options.decisions.record({
      kind: "assign",
      about: { executionId, lane: place.lane, workerId },
      inputs: { directed: true },
      choice: { type: "assign", workerId, reason: DELIVERED },
      reasons: [DELIVERED],
    });
  }

  waits(looked: Looked): void {
    if (this.#waited.isDue(looked.task.message.lane, this.#options.now()))
      this.#record("assign", looked);
  }

  /** It goes back to its lane for `delayMs`. */
  unplaceable(looked: Looked, delayMs: number): void {
    if (this.#unplaceable.isDue(looked.task.executionId, this.#options.now()))
      this.#record("unplaceable", looked, { delayMs });
  }

  /** A worker that should know its node types does not; back to its lane for `delayMs`. */
  refused({ executionId, message }: Task, workerId: string, reason: string, delayMs: number): void {
    if (!this.#unplaceable.isDue(executionId, this.#options.now())) return;
    this.#options.decisions.record({
      kind: "unplaceable",
      about: { executionId, lane: message.lane, workerId },
      inputs: { refusedBy: workerId, delayMs },
      choice: { type: "unplaceable", reason },
      reasons: [reason, againText(delayMs)],
    });
  }

  #isWanted(isAsked: boolean): boolean {
    const { random, sampleShare } = this.#options;
    return isAsked || (this.#samples && random() < sampleShare);
  }

  #record(
    kind: "assign" | "unplaceable",
    { task, workers, cursor, placement }: Looked,
    wait?: { readonly delayMs: number },
  ): void {
    const { decisions, balancing } = this.#options;
    const { executionId, nodeTypes, message } = task;
    const needs = { nodeTypes };
    const workerId = placement.type === "assign" ? { workerId: placement.workerId } : {};
    decisions.record({
      kind,
      about: { executionId, lane: message.lane, ...workerId },
      inputs: { ...recordPlacement(workers, needs, balancing, cursor), ...wait },
      candidates: placementScores(workers, needs, balancing),
      choice: placement,
      reasons: [placement.reason, ...(wait === undefined ? [] : [againText(wait.delayMs)])],
    });
  }
}

function againText(delayMs: number): string {
  return `looked at again after ${delayMs} ms`;
}
