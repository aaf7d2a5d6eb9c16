import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";

const EVERY_MS = 2_000;

/** How many executions wait in the lanes, read every 2 s: cheap to ask for at any time. */
export class LaneDepth {
  readonly #bus: Bus;
  #waiting = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(bus: Bus) {
    this.#bus = bus;
  }

  get waiting(): number {
    return this.#waiting;
  }

  start(): void {
    // While the bus is away the last depth stands; the next reading corrects it.
    this.#timer ??= setInterval(() => void this.#read().catch(() => undefined), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  async #read(): Promise<void> {
    const { jsm, names } = this.#bus;
    const lanes = Object.values(names.streams.flows);
    const infos = await Promise.all(lanes.map((lane) => jsm.consumers.info(lane, DISPATCH_CONSUMER)));
    this.#waiting = infos.reduce((sum, info) => sum + info.num_pending, 0);
  }
}
