import type { WorkerLoad } from "../scaling-facts.ts";

interface SimulatedWorker {
  readonly workerId: string;
  inFlight: number;
  leaving: boolean;
}

/** The workers of a simulation: they boot, hold tasks, and leave when they are empty. */
export class SimulatedFleet {
  readonly #slots: number;
  readonly #usable: number;
  readonly #workers: SimulatedWorker[] = [];
  #made = 0;
  starting = 0;

  constructor(slots: number, capacityLimit: number) {
    this.#slots = slots;
    this.#usable = Math.max(1, Math.floor(slots * capacityLimit));
  }

  /** All that cost something: those that boot and those that leave as well. */
  get size(): number {
    return this.#workers.length + this.starting;
  }

  get inFlight(): number {
    return this.#workers.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  get usableSlots(): number {
    return this.#workers.filter(({ leaving }) => !leaving).length * this.#usable;
  }

  get loads(): WorkerLoad[] {
    return this.#workers.map(({ workerId, inFlight, leaving }) => ({
      workerId,
      available: !leaving,
      leaving,
      slots: this.#slots,
      inFlight,
      managed: true,
    }));
  }

  /** One that was starting is there. */
  booted(): void {
    this.starting -= 1;
    this.#made += 1;
    this.#workers.push({ workerId: `w-${this.#made}`, inFlight: 0, leaving: false });
  }

  /** Gives a task to the emptiest worker with room; undefined when none has any. */
  occupy(): SimulatedWorker | undefined {
    let best: SimulatedWorker | undefined;
    for (const worker of this.#workers)
      if (!worker.leaving && worker.inFlight < this.#usable)
        if (best === undefined || worker.inFlight < best.inFlight) best = worker;
    if (best !== undefined) best.inFlight += 1;
    return best;
  }

  release(worker: SimulatedWorker): void {
    worker.inFlight -= 1;
    this.#sweep();
  }

  drain(workerIds: readonly string[]): void {
    for (const worker of this.#workers)
      if (workerIds.includes(worker.workerId)) worker.leaving = true;
    this.#sweep();
  }

  #sweep(): void {
    const gone = this.#workers.findIndex(({ leaving, inFlight }) => leaving && inFlight === 0);
    if (gone >= 0) this.#workers.splice(gone, 1);
  }
}
