import { Watches } from "./inspection.ts";
import type {
  ActorEnd,
  ActorFault,
  DeadLetter,
  InspectionRecord,
  Inspector,
  KernelCounters,
  KernelListeners,
} from "./reports.ts";

type Count = keyof KernelCounters;

/**
 * Where everything that the actors report comes together: it is counted, and told to whoever asked.
 * Whatever a callback throws stops here.
 */
export class Hub {
  readonly counters: { -readonly [K in Count]: number } = {
    started: 0,
    ended: 0,
    restarts: 0,
    faults: 0,
    deadLetters: 0,
    listenerErrors: 0,
  };
  readonly inspectors = new Set<Inspector>();
  readonly watches = new Watches();
  /** The actor that is handling an event just now; known only while somebody watches. */
  acting: string | undefined;
  readonly #listeners: KernelListeners;

  constructor(listeners: KernelListeners) {
    this.#listeners = listeners;
  }

  fault(fault: ActorFault): void {
    this.counters[fault.restartInMs === undefined ? "faults" : "restarts"]++;
    this.tell(this.#listeners.onFault, fault);
  }

  end(end: ActorEnd): void {
    this.counters.ended++;
    this.tell(this.#listeners.onEnd, end);
  }

  /** @returns false, as what a send to nobody answers. */
  deadLetter(letter: DeadLetter): false {
    this.counters.deadLetters++;
    this.tell(this.#listeners.onDeadLetter, letter);
    return false;
  }

  inspected(record: InspectionRecord): void {
    for (const inspector of this.inspectors) this.tell(inspector, record);
  }

  /** Calls a callback that is not ours. */
  tell<T>(listener: ((value: T) => void) | undefined, value: T): void {
    try {
      listener?.(value);
    } catch (error) {
      this.counters.listenerErrors++;
      this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    try {
      this.#listeners.onListenerError?.(error);
    } catch {
      // The one who is told about errors of others failed too: it is counted above.
    }
  }
}
