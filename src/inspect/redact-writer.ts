import { numberText, quoted } from "./json-text.ts";
import { noteOf, timeOf, UNREADABLE_TEXT, valuesOf } from "./odd-values.ts";
import { Budget } from "./redact-budget.ts";
import type { Entry, Memo } from "./redact-memo.ts";

/** A field of that name, wherever it is. */
export interface Field {
  readonly holds: "secret" | "payload" | "plain";
  /** Its name as JSON, and a colon; `next`: with a comma before it. */
  readonly label: string;
  readonly next: string;
  /** Whether its name is told as it is. */
  readonly isTame: boolean;
}

const MAX_DEPTH = 6;
/** Of a map, which may be large; fewer are told. */
const MAX_READ = 200;

const REDACTED_TEXT = '"[redacted]"';

/**
 * One value on its way out, written down as it is read: to take secrets out of a copy and to write that
 * costs twice as much, for each event of an actor that somebody looks at (bench/watching.ts).
 */
export class RedactingWriter {
  readonly #budget = new Budget();
  readonly #fieldOf: (name: string) => Field;
  readonly #memo: Memo | undefined;
  /** Depth of the deepest list or object so far. */
  #deepest = 0;
  /** Whether there was something that changes without being another. */
  #isVolatile = false;

  constructor(fieldOf: (name: string) => Field, memo: Memo | undefined) {
    this.#fieldOf = fieldOf;
    this.#memo = memo;
  }

  of(value: unknown, depth: number): string | undefined {
    switch (typeof value) {
      case "string":
        return this.#cut(value);
      case "number":
        return numberText(value);
      case "boolean":
        return value ? "true" : "false";
      case "undefined":
        return undefined;
      case "bigint":
        return this.#cut(`${value}n`);
      case "symbol":
        return this.#cut(String(value));
      case "function":
        return quoted(`[function ${this.#budget.cut(String(value.name))}]`);
      case "object":
        return value === null ? "null" : this.#object(value, depth);
    }
  }

  #cut(text: string): string {
    return quoted(this.#budget.cut(text));
  }

  #object(value: object, depth: number): string {
    if (depth > this.#deepest) this.#deepest = depth;
    if (depth >= MAX_DEPTH) return Array.isArray(value) ? '"[…]"' : '"{…}"';
    const known = depth > 1 && this.#memo !== undefined ? this.#memo.shared(value) : undefined;
    if (known !== undefined && this.#hasRoomFor(known, known.chars - known.name.length, depth))
      return known.text;
    try {
      if (Array.isArray(value)) return this.#list(value, value.length, depth);
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) return this.#instance(value, depth);
      return this.#plain(value as Readonly<Record<string, unknown>>, depth);
    } catch {
      // A proxy or an object of a stranger's class: what it says of itself is not worth an actor.
      return UNREADABLE_TEXT;
    }
  }

  #instance(value: object, depth: number): string {
    this.#isVolatile = true;
    if (value instanceof Date) return quoted(timeOf(value));
    if (value instanceof Error) return this.#cut(`${value.name}: ${value.message}`);
    if (value instanceof Set) return this.#list(value, value.size, depth);
    if (value instanceof Map) return this.#map(value, depth);
    if (ArrayBuffer.isView(value)) return `"[${value.byteLength} bytes]"`;
    return this.#own(value, depth);
  }

  #own(value: object, depth: number): string {
    const names = Object.keys(value);
    return this.#fields(names, valuesOf(value, names), names.length, depth);
  }

  /** Nearly all are of this kind: names and values are read in one go, and no lists of them are made. */
  #plain(value: Readonly<Record<string, unknown>>, depth: number): string {
    const { left } = this.#budget;
    try {
      return depth === 0 && this.#memo !== undefined
        ? this.#known(value, this.#memo)
        : this.#fresh(value, depth);
    } catch {
      // One of its fields cannot be read: the others are told.
      this.#budget.left = left;
      return this.#own(value, depth);
    }
  }

  #fresh(value: Readonly<Record<string, unknown>>, depth: number): string {
    const budget = this.#budget;
    let text = "{";
    let [place, written] = [0, 0];
    for (const name in value) {
      const each = value[name];
      place += 1;
      if (typeof each === "function") continue;
      if (!budget.hasRoom(written)) return cutAt(text, Object.keys(value).length - place + 1);
      written += 1;
      const field = this.#fieldOf(name);
      const label = this.#label(name, field, text === "{");
      const content = this.#content(field.holds, each, depth + 1);
      if (content !== undefined) text = text + label + content;
    }
    return `${text}}`;
  }

  /** Fields of the value itself are not written again that hold what they held before. */
  #known(value: Readonly<Record<string, unknown>>, memo: Memo): string {
    const budget = this.#budget;
    let text = "{";
    let [place, written, from] = [-1, 0, -1];
    memo.begin();
    for (const name in value) {
      const each = value[name];
      place += 1;
      const isTold = typeof each !== "function";
      const hasRoom = !isTold || budget.hasRoom(written);
      const known = isTold && hasRoom ? memo.field(place, name, each) : undefined;
      if (known !== undefined && budget.spend(known.chars)) {
        written += 1;
        if (from < 0) from = place;
        continue;
      }
      if (from >= 0) text = joined(text, memo.run(from, place));
      from = -1;
      if (!hasRoom) return cutAt(text, Object.keys(value).length - place);
      if (!isTold) continue;
      written += 1;
      text = joined(text, this.#remember(memo, place, name, each));
    }
    if (from >= 0) text = joined(text, memo.run(from, place + 1));
    return `${text}}`;
  }

  #map(map: ReadonlyMap<unknown, unknown>, depth: number): string {
    const [names, values]: unknown[][] = [[], []];
    for (const [name, value] of map) {
      if (names?.push(name) === MAX_READ) break;
      values?.push(value);
    }
    return this.#fields(names ?? [], values ?? [], map.size, depth);
  }

  #list(values: Iterable<unknown>, size: number, depth: number): string {
    let [text, count] = ["", 0];
    for (const value of values) {
      if (!this.#budget.hasRoom(count)) break;
      if (count > 0) text += ",";
      text += this.#entry(value, depth + 1);
      count += 1;
    }
    if (count < size) text += `${count === 0 ? "" : ","}"… ${size - count} more"`;
    return `[${text}]`;
  }

  #entry(value: unknown, depth: number): string {
    if (typeof value !== "object" || value === null || this.#memo === undefined)
      return this.of(value, depth) ?? "null";
    const known = this.#memo.entry(value);
    if (known !== undefined && this.#hasRoomFor(known, known.chars, depth)) return known.text;
    const { left } = this.#budget;
    const [deepest, isVolatile] = [this.#deepest, this.#isVolatile];
    this.#deepest = depth - 1;
    this.#isVolatile = false;
    const text = this.#object(value, depth);
    const [chars, levels] = [left - this.#budget.left, this.#deepest - depth + 1];
    // What was cut for its depth is not for other places.
    if (this.#budget.left > 0 && !this.#isVolatile && this.#deepest < MAX_DEPTH)
      this.#memo.keepEntry(value, { text, chars, levels });
    this.#deepest = Math.max(deepest, this.#deepest);
    this.#isVolatile ||= isVolatile;
    return text;
  }

  #fields(
    names: readonly unknown[],
    values: readonly unknown[],
    size: number,
    depth: number,
  ): string {
    let text = "{";
    let [written, place] = [0, 0];
    for (; place < values.length; place += 1) {
      const value = values[place];
      // What a machine is given to ask, like the time, tells nobody anything.
      if (typeof value === "function") continue;
      if (!this.#budget.hasRoom(written)) break;
      written += 1;
      text += this.#field(String(names[place]), value, depth, text === "{");
    }
    return place < size ? cutAt(text, size - place) : `${text}}`;
  }

  /** With a comma before it, unless it is the first; a field that JSON has nothing for is no text. */
  #field(name: string, value: unknown, depth: number, isFirst: boolean): string {
    const field = this.#fieldOf(name);
    const label = this.#label(name, field, isFirst);
    const text = this.#content(field.holds, value, depth + 1);
    return text === undefined ? "" : label + text;
  }

  #remember(memo: Memo, place: number, name: string, value: unknown): string {
    const { left } = this.#budget;
    this.#deepest = 0;
    this.#isVolatile = false;
    const of = this.#fieldOf(name);
    const label = this.#label(name, of, false);
    const text = this.#content(of.holds, value, 1);
    const field = text === undefined ? "" : label + text;
    const [chars, levels] = [left - this.#budget.left, this.#deepest];
    if (this.#budget.left > 0 && !this.#isVolatile)
      memo.keep(place, { name, value, field, text: text ?? "", chars, levels });
    return field;
  }

  /** What a field is called in full says what it holds, also where its name is cut. */
  #label(name: string, { label, next, isTame }: Field, isFirst: boolean): string {
    if (isTame && this.#budget.spend(name.length)) return isFirst ? label : next;
    const cut = quoted(this.#budget.cut(name));
    return isFirst ? `${cut}:` : `,${cut}:`;
  }

  #hasRoomFor({ levels }: Entry, chars: number, depth: number): boolean {
    if (depth + levels > MAX_DEPTH || !this.#budget.spend(chars)) return false;
    this.#deepest = Math.max(this.#deepest, depth + levels - 1);
    return true;
  }

  #content(holds: Field["holds"], value: unknown, depth: number): string | undefined {
    if (holds === "plain" || value === undefined || value === null) return this.of(value, depth);
    return holds === "secret" ? REDACTED_TEXT : quoted(noteOf(value));
  }
}

/** What is told of an object so far, and more fields of it, each with a comma before it. */
function joined(text: string, fields: string): string {
  return text + (text === "{" ? fields.slice(1) : fields);
}

/** Fields that could not all be told. */
function cutAt(text: string, more: number): string {
  return `${text}${text === "{" ? "" : ","}"…":"${more} more"}`;
}
