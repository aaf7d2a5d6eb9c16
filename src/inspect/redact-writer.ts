import { Budget } from "./redact-budget.ts";
import type { Memo, Part } from "./redact-memo.ts";

/** A field of that name, wherever it is. */
export interface Field {
  readonly holds: "secret" | "payload" | "plain";
  /** Its name as JSON. */
  readonly name: string;
}

const MAX_DEPTH = 6;
/** Of a map, which may be large; fewer are told. */
const MAX_READ = 200;

export const UNREADABLE_TEXT = '"[unreadable]"';
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
        return Number.isFinite(value) ? `${value}` : `"${value}"`;
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
    if (known !== undefined && this.#hasRoomFor(known, depth)) return known.text;
    try {
      if (Array.isArray(value)) return this.#list(value, value.length, depth);
      const prototype: unknown = Object.getPrototypeOf(value);
      if (prototype !== Object.prototype && prototype !== null) return this.#instance(value, depth);
      return this.#own(value, depth);
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
      text += `${count === 0 ? "" : ","}${this.of(value, depth + 1) ?? "null"}`;
      count += 1;
    }
    if (count < size) text += `${count === 0 ? "" : ","}"… ${size - count} more"`;
    return `[${text}]`;
  }

  #fields(
    names: readonly unknown[],
    values: readonly unknown[],
    size: number,
    depth: number,
  ): string {
    let text = "";
    let [written, place] = [0, 0];
    for (; place < values.length; place += 1) {
      const value = values[place];
      // What a machine is given to ask, like the time, tells nobody anything.
      if (typeof value === "function") continue;
      if (!this.#budget.hasRoom(written)) break;
      written += 1;
      const field = this.#field(place, String(names[place]), value, depth);
      if (field !== undefined) text += text === "" ? field : `,${field}`;
    }
    if (place < size) text += `${text === "" ? "" : ","}"…":"${size - place} more"`;
    return `{${text}}`;
  }

  /** A field of the value itself is not written again when it was written before. */
  #field(place: number, name: string, value: unknown, depth: number): string | undefined {
    if (depth > 0 || this.#memo === undefined) return this.#fresh(name, value, depth)?.field;
    const known = this.#memo.field(place, name, value);
    if (known !== undefined && this.#budget.spend(known.chars)) return known.field;
    const { left } = this.#budget;
    this.#deepest = 0;
    this.#isVolatile = false;
    const fresh = this.#fresh(name, value, depth);
    const [chars, levels] = [left - this.#budget.left, this.#deepest];
    if (fresh !== undefined && this.#budget.left > 0 && !this.#isVolatile)
      this.#memo.keep(place, { name, value, field: fresh.field, text: fresh.text, chars, levels });
    return fresh?.field;
  }

  /** What a field is called in full says what it holds, also where its name is cut. */
  #fresh(key: string, value: unknown, depth: number): Pick<Part, "field" | "text"> | undefined {
    const { holds, name } = this.#fieldOf(key);
    const cut = this.#budget.cut(key);
    const text = this.#content(holds, value, depth + 1);
    if (text === undefined) return undefined;
    return { field: `${cut === key ? name : quoted(cut)}:${text}`, text };
  }

  #hasRoomFor({ name, chars, levels }: Part, depth: number): boolean {
    if (depth + levels > MAX_DEPTH || !this.#budget.spend(chars - name.length)) return false;
    this.#deepest = Math.max(this.#deepest, depth + levels - 1);
    return true;
  }

  #content(holds: Field["holds"], value: unknown, depth: number): string | undefined {
    if (holds === "plain" || value === undefined || value === null) return this.of(value, depth);
    return holds === "secret" ? REDACTED_TEXT : quoted(noteOf(value));
  }
}

/** Of most texts JSON changes nothing. */
function quoted(text: string): string {
  return /^[\w .:/+[\],{}()-]*$/.test(text) ? `"${text}"` : JSON.stringify(text);
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return UNREADABLE;
  }
}

const UNREADABLE = "[unreadable]";

/** One that throws when it is read is unreadable, and the others are told. */
function valuesOf(value: object, names: readonly string[]): readonly unknown[] {
  try {
    const values = Object.values(value);
    // Whatever is asked twice may answer differently.
    if (values.length === names.length) return values;
  } catch {
    // Read one by one.
  }
  return names.map((name) => read(value, name));
}

/** Not asked of the date itself, which may say what it likes. */
function timeOf(date: Date): string {
  const ms = Date.prototype.getTime.call(date);
  return Number.isNaN(ms) ? "Invalid Date" : new Date(ms).toISOString();
}

/** What stands for a payload; of what is no text the size would cost too much. */
function noteOf(value: unknown): string {
  if (typeof value === "string") return `[payload, ${value.length} characters]`;
  if (ArrayBuffer.isView(value)) return `[payload, ${value.byteLength} bytes]`;
  if (Array.isArray(value)) return `[payload, ${value.length} items]`;
  return "[payload]";
}
