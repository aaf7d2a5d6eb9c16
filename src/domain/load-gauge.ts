/** What was seen of all lanes and workers at one moment. */
export interface LoadSample {
  /** Epoch milliseconds. */
  readonly at: number;
  /** Executions that have ever come in, by the sequences of the lanes. */
  readonly arrived: number;
  /** Executions that have ever been worked off. */
  readonly ended: number;
  readonly inFlight: number;
  /** Slots that may be filled, of workers that may be given tasks. */
  readonly usableSlots: number;
}

export interface LoadReading {
  /** Per second, over the window. */
  readonly arrivalsPerS: number;
  /** How long a task keeps a slot, as a mean over the window; null before it can be told. */
  readonly meanServiceMs: number | null;
  /** Share of the usable slots in use, 0-1, over the last seconds; null without slots. */
  readonly meanLoad: number | null;
  /** The same at the last look. */
  readonly load: number | null;
}

const WINDOW_MS = 60_000;
/** Load is looked at over a shorter time: a guard of 70 % is to be noticed, a single full moment is not. */
const LOAD_WINDOW_MS = 10_000;

/** Rolling means over the last minute, of one sample a second or so. */
export class LoadGauge {
  #samples: LoadSample[] = [];
  #knownServiceMs: number | null = null;

  add(sample: LoadSample): void {
    const from = sample.at - WINDOW_MS;
    this.#samples = [...this.#samples.filter(({ at }) => at >= from && at < sample.at), sample];
  }

  /** Forgets all: what was seen before is from another time. */
  reset(): void {
    this.#samples = [];
  }

  read(): LoadReading {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || first === last)
      return { arrivalsPerS: 0, meanServiceMs: this.#knownServiceMs, ...this.#loads() };
    this.#knownServiceMs = this.#serviceMs(first, last) ?? this.#knownServiceMs;
    return {
      // Of a whole minute, though it may not be over: a burst right after the start is not to be taken for what comes every second.
      arrivalsPerS: Math.max(0, last.arrived - first.arrived) / (WINDOW_MS / 1_000),
      meanServiceMs: this.#knownServiceMs,
      ...this.#loads(),
    };
  }

  /**
   * By Little's law: slots in use over time, divided by the tasks that ended in it. Asks nothing of the
   * workers. With fewer ends than slots it says more of when the tasks began, unless it lasts for long.
   */
  #serviceMs(first: LoadSample, last: LoadSample): number | undefined {
    let busyMs = 0;
    this.#samples.forEach((sample, index) => {
      const next = this.#samples[index + 1];
      if (next !== undefined)
        busyMs += ((sample.inFlight + next.inFlight) / 2) * (next.at - sample.at);
    });
    const ended = last.ended - first.ended;
    if (busyMs === 0) return undefined;
    if (ended >= Math.max(1, last.inFlight)) return busyMs / ended;
    // Of those that have not ended it is known how long they have run at least.
    const seen = Math.max(1, ended, last.inFlight);
    return last.at - first.at >= WINDOW_MS / 2 ? busyMs / seen : undefined;
  }

  #loads(): Pick<LoadReading, "meanLoad" | "load"> {
    const last = this.#samples.at(-1);
    if (last === undefined) return { meanLoad: null, load: null };
    const recent = this.#samples.filter(({ at }) => last.at - at < LOAD_WINDOW_MS);
    return { meanLoad: loadOf(recent), load: loadOf([last]) };
  }
}

function loadOf(samples: readonly LoadSample[]): number | null {
  const slots = samples.reduce((sum, { usableSlots }) => sum + usableSlots, 0);
  if (slots === 0) return null;
  return Math.min(1, samples.reduce((sum, { inFlight }) => sum + inFlight, 0) / slots);
}
