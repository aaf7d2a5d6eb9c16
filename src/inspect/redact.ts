import { UNREADABLE_TEXT } from "./odd-values.ts";
import { isTame } from "./redact-budget.ts";
import type { Memo } from "./redact-memo.ts";
import { type Field, RedactingWriter } from "./redact-writer.ts";

/** What is taken out of a value before it leaves its process; never throws, never changes the value. */
export type Redact = (value: unknown) => unknown;

/**
 * The same, as JSON; undefined where JSON has nothing. With the memo of an actor what it was told before
 * and has not changed since is not written again: what it knows is taken to be replaced, never changed.
 */
export type Write = (value: unknown, memo?: Memo) => string | undefined;

/** Names of fields that hold what nobody is to see. */
const SECRET =
  /pass(word|wd|phrase|code)|pwd|secret|token|jwt|bearer|authori[sz]ation|^auth$|(api|access|private)[-_]?key|^nkey|credential|cookie|signature|^dsn$|connection[-_]?string|^(pin|otp)$|session[-_]?id/i;

/** Names of fields that hold what a flow works on: as large as it likes, and nobody else's business. */
const PAYLOAD = /^(inputs?|outputs?|body|flowData|data|payload|result)$/;

/** Names come from strangers, too: only so many are remembered. */
const MAX_NAMES = 1_000;

/**
 * Takes out secrets (by the names of fields, `extraKeys` as well, whatever their case) and payloads of
 * flows, and cuts what is long, deep, or large: about 6,000 characters are left at the most.
 */
export function redactor(extraKeys: readonly string[] = []): Redact {
  const write = redactingWriter(extraKeys);
  return (value) => {
    const text = write(value);
    return text === undefined ? undefined : JSON.parse(text);
  };
}

export function redactingWriter(extraKeys: readonly string[] = []): Write {
  const extra = new Set(extraKeys.map((key) => key.toLowerCase()));
  const fields = new Map<string, Field>();
  const fieldOf = (key: string): Field => {
    const known = fields.get(key);
    if (known !== undefined) return known;
    const label = `${JSON.stringify(key)}:`;
    const holds = contentOf(key, extra);
    const field = { holds, label, next: `,${label}`, isTame: isTame(key) };
    if (fields.size < MAX_NAMES) fields.set(key, field);
    return field;
  };
  return (value, memo) => {
    try {
      return new RedactingWriter(fieldOf, memo).of(value, 0);
    } catch {
      // A proxy that not even tells what it is.
      return UNREADABLE_TEXT;
    }
  };
}

function contentOf(key: string, extra: ReadonlySet<string>): Field["holds"] {
  if (SECRET.test(key) || extra.has(key.toLowerCase())) return "secret";
  return PAYLOAD.test(key) ? "payload" : "plain";
}
