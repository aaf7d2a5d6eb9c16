import { type Lane, perLane } from "./lane.ts";

/**
 * In which lanes something is paused. A worker does not know what is paused: a lane that holds such a
 * message is not to be delivered straight to workers. Of some it is not known where they are: they
 * count for each lane.
 */
export class PausedLanes {
  readonly #counts = perLane(() => 0);
  #anywhere = 0;

  add(lane: Lane | undefined): void {
    this.#count(lane, 1);
  }

  remove(lane: Lane | undefined): void {
    this.#count(lane, -1);
  }

  has(lane: Lane): boolean {
    return this.#anywhere > 0 || this.#counts[lane] > 0;
  }

  #count(lane: Lane | undefined, step: number): void {
    if (lane === undefined) this.#anywhere += step;
    else this.#counts[lane] += step;
  }
}
