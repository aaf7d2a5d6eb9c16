import { Budget } from "./redact-budget.ts";

/** What is taken out of a value before it leaves its process; never throws, never changes the value. */
export type Redact = (value: unknown) => unknown;

/** Names of fields that hold what nobody is to see. */
const SECRET =
  /pass(word|wd|phrase|code)|pwd|secret|token|jwt|bearer|authori[sz]ation|^auth$|(api|access|private)[-_]?key|^nkey|credential|cookie|signature|^dsn$|connection[-_]?string|^(pin|otp)$|session[-_]?id/i;

/** Names of fields that hold what a flow works on: as large as it likes, and nobody else's business. */
const PAYLOAD = /^(inputs?|outputs?|body|flowData|data|payload|result)$/;

const MAX_DEPTH = 6;

/**
 * Takes out secrets (by the names of fields, `extraKeys` as well, whatever their case) and payloads of
 * flows, and cuts what is long, deep, or large: about 6,000 characters are left at the most.
 */
export function redactor(extraKeys: readonly string[] = []): Redact {
  const extra = new Set(extraKeys.map((key) => key.toLowerCase()));
  const verdicts = new Map<string, Verdict>();
  const verdictOn = (key: string): Verdict => {
    const known = verdicts.get(key);
    if (known !== undefined) return known;
    const verdict = verdictOf(key, extra);
    // Names come from strangers, too: only so many are remembered.
    if (verdicts.size < 1_000) verdicts.set(key, verdict);
    return verdict;
  };
  return (value) => {
    try {
      return new Redaction(verdictOn).of(value, 0);
    } catch {
      // A proxy that not even tells what it is.
      return UNREADABLE;
    }
  };
}

const UNREADABLE = "[unreadable]";

type Verdict = "secret" | "payload" | "plain";

function verdictOf(key: string, extra: ReadonlySet<string>): Verdict {
  if (SECRET.test(key) || extra.has(key.toLowerCase())) return "secret";
  return PAYLOAD.test(key) ? "payload" : "plain";
}

/** One value on its way out. */
class Redaction {
  readonly #budget = new Budget();
  readonly #verdictOn: (key: string) => Verdict;

  constructor(verdictOn: (key: string) => Verdict) {
    this.#verdictOn = verdictOn;
  }

  of(value: unknown, depth: number): unknown {
    switch (typeof value) {
      case "string":
        return this.#budget.cut(value);
      case "number":
        return Number.isFinite(value) ? value : String(value);
      case "boolean":
      case "undefined":
        return value;
      case "bigint":
        return this.#budget.cut(`${value}n`);
      case "symbol":
        return this.#budget.cut(String(value));
      case "function":
        return `[function ${this.#budget.cut(String(value.name))}]`;
      case "object":
        return value === null ? null : this.#object(value, depth);
    }
  }

  #object(value: object, depth: number): unknown {
    if (depth >= MAX_DEPTH) return Array.isArray(value) ? "[…]" : "{…}";
    try {
      if (Array.isArray(value)) return this.#list(value, value.length, depth);
      if (value instanceof Date) return timeOf(value);
      if (value instanceof Error) return this.#budget.cut(`${value.name}: ${value.message}`);
      if (value instanceof Set) return this.#list(value, value.size, depth);
      if (value instanceof Map)
        return this.#fields(value.keys(), value.size, (key) => value.get(key), depth);
      if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
      const keys = Object.keys(value);
      return this.#fields(keys, keys.length, (key) => read(value, key as string), depth);
    } catch {
      // A proxy or an object of a stranger's class: what it says of itself is not worth an actor.
      return UNREADABLE;
    }
  }

  #list(values: Iterable<unknown>, size: number, depth: number): unknown[] {
    const list: unknown[] = [];
    for (const value of values) {
      if (!this.#budget.hasRoom(list.length)) break;
      list.push(this.of(value, depth + 1));
    }
    if (list.length < size) list.push(`… ${size - list.length} more`);
    return list;
  }

  #fields(
    names: Iterable<unknown>,
    size: number,
    at: (name: unknown) => unknown,
    depth: number,
  ): object {
    const fields = {};
    let [written, read] = [0, 0];
    for (const name of names) {
      const value = at(name);
      // What a machine is given to ask, like the time, tells nobody anything.
      if (typeof value === "function") {
        read += 1;
        continue;
      }
      if (!this.#budget.hasRoom(written)) break;
      read += 1;
      written += 1;
      // What a field is called in full says what it holds.
      const key = String(name);
      put(fields, this.#budget.cut(key), this.#field(key, value, depth));
    }
    const left = size - read;
    if (left > 0) put(fields, "…", `${left} more`);
    return fields;
  }

  #field(key: string, value: unknown, depth: number): unknown {
    const verdict = this.#verdictOn(key);
    if (verdict === "plain" || value === undefined || value === null)
      return this.of(value, depth + 1);
    return verdict === "secret" ? "[redacted]" : noteOf(value);
  }
}

/** A field of that name, also where an assignment would set the prototype. */
function put(fields: object, key: string, value: unknown): void {
  if (key !== "__proto__") (fields as Record<string, unknown>)[key] = value;
  else
    Object.defineProperty(fields, key, {
      value,
      enumerable: true,
      configurable: true,
      writable: true,
    });
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return UNREADABLE;
  }
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
