import type { InspectionRecord } from "../kernel/reports.ts";

/** Contexts cost more than all the rest: of one that changes faster than people read so many are told in so long. */
const WINDOW_MS = 250;
const IN_WINDOW = 5;
/**
 * Of all the actors that are followed because all are, beside those that are owed: twenty a second in all,
 * so that with a thousand workers an event costs no more than 10 us in the middle (bench/watching.ts).
 */
const IN_WINDOW_OF_ALL = 3;
const OWED_IN_WINDOW = 2;

/** Whether an actor handled something and stayed in its state. */
export function isQuiet({ kind, from, snapshot }: InspectionRecord): boolean {
  return kind === "transition" && from === snapshot.state;
}

/** How many were told since when (epoch ms). */
interface Told {
  since: number;
  count: number;
}

/** Which records of an actor go without a context, and when what it knows is told after all. */
export class ContextPace {
  readonly #told = new Map<string, Told>();
  readonly #toldOfAll: Told = { since: Number.NEGATIVE_INFINITY, count: 0 };
  /** Those that have told events without a context since, the longest owed first. */
  readonly #owed = new Set<string>();
  readonly #due: (address: string) => void;
  #paidAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  /** `due` is called for each actor that owes a context, a few at a time. */
  constructor(due: (address: string) => void) {
    this.#due = due;
  }

  /** What changes a state, and what begins or ends an actor, is told in full. */
  isBrief(seen: InspectionRecord, followed: "named" | "all"): boolean {
    const { address, at } = seen;
    if (isQuiet(seen) && !this.#hasRoom(address, at, followed)) {
      this.#owe(address, at);
      return true;
    }
    this.#owed.delete(address);
    return false;
  }

  /** To be called after each record: where there is always something new, what is owed is told as well. */
  settle(at: number): void {
    if (this.#owed.size === 0 || Math.abs(at - this.#paidAt) < WINDOW_MS) return;
    this.#paidAt = at;
    this.#pay();
  }

  forget(address: string): void {
    this.#told.delete(address);
    this.#owed.delete(address);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #hasRoom(address: string, at: number, followed: "named" | "all"): boolean {
    const told = this.#toldOf(address);
    if (countNow(told, at) >= IN_WINDOW) return false;
    if (followed === "all" && countNow(this.#toldOfAll, at) >= IN_WINDOW_OF_ALL) return false;
    told.count += 1;
    if (followed === "all") this.#toldOfAll.count += 1;
    return true;
  }

  #toldOf(address: string): Told {
    const known = this.#told.get(address);
    if (known !== undefined) return known;
    const told = { since: Number.NEGATIVE_INFINITY, count: 0 };
    this.#told.set(address, told);
    return told;
  }

  #owe(address: string, at: number): void {
    if (this.#owed.size === 0) this.#paidAt = at;
    this.#owed.add(address);
    this.#timer ??= setTimeout(() => this.#pay(), WINDOW_MS).unref();
  }

  #pay(): void {
    clearTimeout(this.#timer);
    const owed = [...this.#owed];
    const later = owed.splice(OWED_IN_WINDOW);
    this.#timer = later.length === 0 ? undefined : setTimeout(() => this.#pay(), WINDOW_MS).unref();
    for (const each of owed) {
      this.#owed.delete(each);
      this.#due(each);
    }
  }
}

/** How many were told in the window that `at` is in. */
function countNow(told: Told, at: number): number {
  if (Math.abs(at - told.since) >= WINDOW_MS) {
    told.since = at;
    told.count = 0;
  }
  return told.count;
}
