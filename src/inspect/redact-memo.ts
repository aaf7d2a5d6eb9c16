/** A field as it was written, nothing of it left out for want of room. */
export interface Part {
  readonly name: string;
  readonly value: unknown;
  /** With its name. */
  readonly field: string;
  readonly text: string;
  /** What the field took of the budget. */
  readonly chars: number;
  /** How many levels of lists and objects it has. */
  readonly levels: number;
}

/** The fields of a value as they were written last. */
export class Memo {
  readonly #parts: (Part | undefined)[] = [];
  readonly #other: Memo | undefined;
  #latest: Part | undefined;

  /** `other` is of a value that may hold the very same lists and objects. */
  constructor(other?: Memo) {
    this.#other = other;
  }

  /** The field that was in this place, when it holds what it held. */
  field(place: number, name: string, value: unknown): Part | undefined {
    const part = this.#parts[place];
    return part !== undefined && part.value === value && part.name === name ? part : undefined;
  }

  /** Something deeper, when it is what was written of the other value last. */
  shared(value: object): Part | undefined {
    const latest = this.#other === undefined ? undefined : this.#other.#latest;
    return latest !== undefined && latest.value === value ? latest : undefined;
  }

  keep(place: number, part: Part): void {
    this.#parts[place] = part;
    if (part.levels > 0) this.#latest = part;
  }
}

/** What was told of an actor last. What an event brings is often what the actor knows from then on. */
export class ActorMemo {
  readonly event = new Memo();
  readonly context = new Memo(this.event);
}
