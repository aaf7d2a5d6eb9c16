const UNREADABLE = "[unreadable]";
/** What stands for a value that throws when it is read, as JSON. */
export const UNREADABLE_TEXT = `"${UNREADABLE}"`;

/** One that throws when it is read is unreadable, and the others are told. */
export function valuesOf(value: object, names: readonly string[]): readonly unknown[] {
  try {
    const values = Object.values(value);
    // Whatever is asked twice may answer differently.
    if (values.length === names.length) return values;
  } catch {
    // Read one by one.
  }
  return names.map((name) => read(value, name));
}

function read(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return UNREADABLE;
  }
}

/** Not asked of the date itself, which may say what it likes. */
export function timeOf(date: Date): string {
  const ms = Date.prototype.getTime.call(date);
  return Number.isNaN(ms) ? "Invalid Date" : new Date(ms).toISOString();
}

/** What stands for a payload; of what is no text the size would cost too much. */
export function noteOf(value: unknown): string {
  if (typeof value === "string") return `[payload, ${value.length} characters]`;
  if (ArrayBuffer.isView(value)) return `[payload, ${value.byteLength} bytes]`;
  if (Array.isArray(value)) return `[payload, ${value.length} items]`;
  return "[payload]";
}
