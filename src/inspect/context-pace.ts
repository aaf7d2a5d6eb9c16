import type { InspectionRecord } from "../kernel/reports.ts";

/** Contexts cost more than all the rest: of one that changes faster than people read so many are told in so long. */
const WINDOW_MS = 250;
const IN_WINDOW = 5;

/** Whether an actor handled something and stayed in its state. */
export function isQuiet({ kind, from, snapshot }: InspectionRecord): boolean {
  return kind === "transition" && from === snapshot.state;
}

/** Which records of an actor go without a context, and when the last one of a burst is owed. */
export class ContextPace {
  /** How many contexts of each actor were told since when. */
  readonly #told = new Map<string, { since: number; count: number }>();
  /** Those that have told events without a context since. */
  readonly #owed = new Set<string>();
  readonly #due: (address: string) => void;
  #timer: NodeJS.Timeout | undefined;

  /** `due` is called for each actor that owes a context, once a burst is over or goes on for long. */
  constructor(due: (address: string) => void) {
    this.#due = due;
  }

  /** What changes a state, and what begins or ends an actor, is told in full. */
  isBrief(seen: InspectionRecord): boolean {
    if (!isQuiet(seen)) return false;
    const { address, at } = seen;
    const told = this.#told.get(address);
    if (told === undefined || Math.abs(at - told.since) >= WINDOW_MS) {
      this.#told.set(address, { since: at, count: 1 });
      return false;
    }
    told.count += 1;
    if (told.count <= IN_WINDOW) return false;
    this.#owe(address);
    return true;
  }

  forget(address: string): void {
    this.#told.delete(address);
    this.#owed.delete(address);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #owe(address: string): void {
    this.#owed.add(address);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      const owed = [...this.#owed];
      this.#owed.clear();
      for (const each of owed) this.#due(each);
    }, WINDOW_MS).unref();
  }
}
