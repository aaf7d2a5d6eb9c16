import { LANES, type PerLane, perLane } from "../lane.ts";
import { type LaneDeficits, NO_DEFICITS, planPulls } from "../lane-scheduling.ts";
import type { Arrival } from "./load.ts";

/** The lanes of a simulation: first in, first out, and between them the shares of production. */
export class Queues {
  readonly #weights: PerLane<number>;
  readonly #lanes = perLane((): { items: Arrival[]; head: number } => ({ items: [], head: 0 }));
  #deficits: LaneDeficits = NO_DEFICITS;

  constructor(weights: PerLane<number>) {
    this.#weights = weights;
  }

  get waiting(): PerLane<number> {
    return perLane((lane) => this.#lanes[lane].items.length - this.#lanes[lane].head);
  }

  get depth(): number {
    const { waiting } = this;
    return LANES.reduce((sum, lane) => sum + waiting[lane], 0);
  }

  add(arrival: Arrival): void {
    this.#lanes[arrival.lane].items.push(arrival);
  }

  /** The next one by weight; undefined when all are empty. */
  take(): Arrival | undefined {
    const { waiting } = this;
    const wet = perLane((lane) => waiting[lane] > 0);
    const { pulls, deficits } = planPulls(1, wet, this.#weights, this.#deficits);
    this.#deficits = deficits;
    const lane = LANES.find((each) => pulls[each] > 0);
    if (lane === undefined) return undefined;
    const queue = this.#lanes[lane];
    const next = queue.items[queue.head];
    queue.head += 1;
    if (queue.head === queue.items.length) {
      // An empty lane loses its claim, as in production.
      this.#deficits = { ...this.#deficits, [lane]: 0 };
      queue.items = [];
      queue.head = 0;
    }
    return next;
  }
}
