import { setInterval } from "node:timers";
import type { Bus } from "../../bus/connect.ts";
import { type LaneDepth, laneDepths } from "../../bus/lane-stats.ts";
import { usableSlots, type WorkerCandidate } from "../../domain/balancing.ts";
import { LoadGauge, type LoadReading } from "../../domain/load-gauge.ts";
import { seldom } from "../seldom.ts";

export interface LoadWatchOptions {
  readonly bus: Bus;
  readonly candidates: () => readonly WorkerCandidate[];
  readonly capacityLimit: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly looked: (lanes: readonly LaneDepth[]) => void;
  /** There is something new to look at. */
  readonly sampled: () => void;
  readonly fault: (error: unknown, what: string) => void;
}

/** A lane above its watermark is to be answered within 2 s (docs/scaling.md). */
const EVERY_MS = 1_000;
const TELL_EVERY_MS = 30_000;

/** Looks at the lanes and at the slots of the fleet once a second, for as long as this orchestrator leads. */
export class LoadWatch {
  readonly #options: LoadWatchOptions;
  readonly #gauge = new LoadGauge();
  readonly #tellFault: (error: unknown) => void;
  #timer: NodeJS.Timeout | undefined;
  #isAsking = false;
  #lanes: readonly LaneDepth[] = [];

  constructor(options: LoadWatchOptions) {
    this.#options = options;
    const { fault, now } = options;
    this.#tellFault = seldom(TELL_EVERY_MS, now, (error) => fault(error, "depth of the lanes"));
  }

  /** As of the last look. */
  get lanes(): readonly LaneDepth[] {
    return this.#lanes;
  }

  read(): LoadReading {
    return this.#gauge.read();
  }

  start(): void {
    this.stop();
    this.#gauge.reset();
    this.#timer = setInterval(() => void this.#look(), EVERY_MS);
    void this.#look();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** One look at a time: a bus that answers slowly must not be asked ever more. */
  async #look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.#lanes = await laneDepths(this.#options.bus);
      this.#sample();
      this.#options.looked(this.#lanes);
    } catch (error) {
      this.#tellFault(error);
    } finally {
      this.#isAsking = false;
    }
    if (this.#timer !== undefined) this.#options.sampled();
  }

  #sample(): void {
    const { candidates, capacityLimit, now } = this.#options;
    const live = candidates().filter(({ assignable }) => assignable);
    const sum = (of: (lane: LaneDepth) => number) =>
      this.#lanes.reduce((total, lane) => total + of(lane), 0);
    this.#gauge.add({
      at: now(),
      arrived: sum(({ deliveredSequence, pending }) => deliveredSequence + pending),
      ended: sum(({ deliveredSequence, inFlight }) => deliveredSequence - inFlight),
      inFlight: live.reduce((total, worker) => total + worker.inFlight, 0),
      usableSlots: live.reduce((total, worker) => total + usableSlots(worker, capacityLimit), 0),
    });
  }
}
