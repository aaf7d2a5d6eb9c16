import type { LaneDepth } from "../../bus/lane-stats.ts";
import {
  type BalancingPolicy,
  type Placement,
  placeTask,
  type WorkerCandidate,
} from "../../domain/balancing.ts";
import type { Lane } from "../../domain/lane.ts";
import { placementScores, recordPlacement } from "../../domain/recorded-placement.ts";
import type { DecisionSink } from "../../messages/decision.ts";

export interface TideOptions {
  readonly decisions: DecisionSink;
  readonly balancing: BalancingPolicy;
  readonly candidates: () => readonly WorkerCandidate[];
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A busy lane begins to wait many times a minute. */
const BEGIN_EVERY_MS = 5_000;
/** While it lasts it is taken down now and then, so that each who waited finds a reason of its own time. */
const LASTS_EVERY_MS = 30_000;

/** A task that any worker could run: whether nobody at all has room for more. */
const ANY = { nodeTypes: [] };

/**
 * Takes down when a lane begins to wait and when it does no more, and who was full then: what waits in its
 * lane is asked for by nobody, so that no decision about it alone tells why.
 */
export class Tide {
  readonly #options: TideOptions;
  readonly #beganAt = new Map<Lane, number>();
  /** The lanes of which the last record says that they wait. */
  readonly #waiting = new Set<Lane>();

  constructor(options: TideOptions) {
    this.#options = options;
  }

  /** How deep the lanes are now; told by the leader, once a second. */
  looked(depths: readonly LaneDepth[]): void {
    const isCalm = depths.every(({ pending }) => pending === 0);
    if (isCalm && this.#waiting.size === 0) return;
    const { candidates, balancing } = this.#options;
    const workers = candidates();
    const placement = placeTask(workers, ANY, balancing, 0);
    for (const depth of depths) {
      const waits = depth.pending > 0 && placement.type !== "assign";
      if (waits ? this.#isDue(depth.lane) : this.#waiting.delete(depth.lane))
        this.#record(depth, workers, placement, waits);
    }
  }

  #record(
    { lane, pending, inFlight }: LaneDepth,
    workers: readonly WorkerCandidate[],
    placement: Placement,
    waits: boolean,
  ): void {
    const { decisions, balancing } = this.#options;
    decisions.record({
      kind: "assign",
      about: { lane },
      inputs: { ...recordPlacement(workers, ANY, balancing, 0), pending, inFlight, waits },
      candidates: placementScores(workers, ANY, balancing),
      choice: placement,
      reasons: waits
        ? [`${pending} wait in the lane ${lane}`, placement.reason]
        : [`the lane ${lane} waits no more`],
    });
  }

  #isDue(lane: Lane): boolean {
    const now = this.#options.now();
    const everyMs = this.#waiting.has(lane) ? LASTS_EVERY_MS : BEGIN_EVERY_MS;
    if (now - (this.#beganAt.get(lane) ?? Number.NEGATIVE_INFINITY) < everyMs) return false;
    this.#waiting.add(lane);
    this.#beganAt.set(lane, now);
    return true;
  }
}
