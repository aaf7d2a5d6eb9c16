import { flatten } from "./json-text.ts";

/** A list or object as it was written, nothing of it left out for want of room. */
export interface Entry {
  readonly text: string;
  /** What it took of the budget. */
  readonly chars: number;
  /** How many levels of lists and objects it has. */
  readonly levels: number;
}

/** The same of a field, with its name; of one that JSON has nothing for there is no text. */
export interface Part extends Entry {
  readonly name: string;
  readonly value: unknown;
  /** With its name, and a comma before it. */
  readonly field: string;
}

/** Fields one after the other that are as they were. */
interface Run {
  readonly to: number;
  /** Which write it is of. */
  readonly since: number;
  readonly text: string;
}

const MAX_ENTRIES = 100;

/** The fields of a value as they were written last. */
export class Memo {
  readonly #parts: (Part | undefined)[] = [];
  /** In which write each was. */
  readonly #writtenIn: number[] = [];
  readonly #runs: (Run | undefined)[] = [];
  #writes = 0;
  readonly #other: Memo | undefined;
  #latest: Part | undefined;
  /** Entries of lists: one that grows has most of its entries twice. */
  readonly #entries = new Map<object, Entry>();

  /** `other` is of a value that may hold the very same lists and objects. */
  constructor(other?: Memo) {
    this.#other = other;
  }

  /** The value is written once more. */
  begin(): void {
    this.#writes += 1;
  }

  /** The field that was in this place, when it holds what it held. */
  field(place: number, name: string, value: unknown): Part | undefined {
    const part = this.#parts[place];
    return part !== undefined && part.value === value && part.name === name ? part : undefined;
  }

  /** The fields from one place up to another, all of which hold what they held. */
  run(from: number, to: number): string {
    const known = this.#runs[from];
    if (known?.to === to && this.#isOlder(from, to, known.since)) return known.text;
    let text = "";
    for (let place = from; place < to; place += 1) text += this.#parts[place]?.field ?? "";
    this.#runs[from] = { to, since: this.#writes, text: flatten(text) };
    return text;
  }

  #isOlder(from: number, to: number, since: number): boolean {
    for (let place = from; place < to; place += 1)
      if ((this.#writtenIn[place] ?? 0) > since) return false;
    return true;
  }

  /** Something deeper, when it is what was written of the other value last. */
  shared(value: object): Part | undefined {
    const latest = this.#other === undefined ? undefined : this.#other.#latest;
    if (latest === undefined || latest.value !== value) return undefined;
    flatten(latest.text);
    return latest;
  }

  entry(value: object): Entry | undefined {
    return this.#entries.get(value);
  }

  keepEntry(value: object, entry: Entry): void {
    if (this.#entries.size === MAX_ENTRIES) this.#entries.clear();
    flatten(entry.text);
    this.#entries.set(value, entry);
  }

  keep(place: number, part: Part): void {
    this.#parts[place] = part;
    this.#writtenIn[place] = this.#writes;
    if (part.levels > 0) this.#latest = part;
  }
}

/** What was told of an actor last. What an event brings is often what the actor knows from then on. */
export class ActorMemo {
  readonly event = new Memo();
  readonly context = new Memo(this.event);
}
