import { permanentError } from "./safe-error.ts";

const MAX_DEPTH = 200;

/**
 * An output as the JSON that will travel: `undefined` is null at the top and in lists and left out
 * of objects, what has `toJSON` (a Date) is replaced by its answer, an instance of a class by its
 * fields. A value that is JSON already is shared.
 *
 * @throws NodeError BAD_OUTPUT, not retryable, for what JSON cannot say: BigInt, NaN, functions,
 * symbols, Map, Set, binary data, cycles and more than 200 levels; OUTPUT_TOO_LARGE beyond `maxBytes`.
 */
export function toOutput(value: unknown, maxBytes: number): unknown {
  const walk: Walk = { bytesLeft: maxBytes, maxBytes, path: [], open: new Set() };
  return visit(walk, value ?? null);
}

interface Walk {
  bytesLeft: number;
  readonly maxBytes: number;
  readonly path: (string | number)[];
  /** Objects around the one at hand, to see cycles. */
  readonly open: Set<object>;
}

function visit(walk: Walk, value: unknown): unknown {
  switch (typeof value) {
    case "string":
      spend(walk, Buffer.byteLength(value) + 2);
      return value;
    case "number":
      if (!Number.isFinite(value)) throw badOutput(walk, String(value));
      spend(walk, String(value).length);
      return value;
    case "boolean":
      spend(walk, 5);
      return value;
    case "undefined":
      return null;
    case "object":
      spend(walk, 4);
      return value === null ? null : visitObject(walk, value);
    default:
      throw badOutput(walk, `a ${typeof value}`);
  }
}

function visitObject(walk: Walk, value: object): unknown {
  if (walk.open.has(value)) throw badOutput(walk, "a cycle");
  if (walk.path.length > MAX_DEPTH) throw badOutput(walk, `more than ${MAX_DEPTH} levels`);
  walk.open.add(value);
  const output = plainOutput(walk, value);
  walk.open.delete(value);
  return output;
}

function plainOutput(walk: Walk, value: object): unknown {
  if (Array.isArray(value)) return visitList(walk, value);
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === "function") return visit(walk, toJSON.call(value, "") ?? null);
  if (isOpaque(value)) throw badOutput(walk, `a ${value.constructor?.name ?? "binary value"}`);
  return visitFields(walk, value);
}

/** What JSON.stringify would turn into {} or a list of digits without a word. */
function isOpaque(value: object): boolean {
  return (
    value instanceof Map ||
    value instanceof Set ||
    value instanceof Promise ||
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer
  );
}

function visitList(walk: Walk, list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let index = 0; index < list.length; index++) {
    walk.path.push(index);
    const output = visit(walk, list[index]);
    walk.path.pop();
    if (output !== list[index]) copy ??= list.slice(0, index);
    copy?.push(output);
  }
  return copy ?? list;
}

function visitFields(walk: Walk, object: object): object {
  const entries: [string, unknown][] = [];
  let isSame = isPlain(object);
  for (const [key, field] of Object.entries(object)) {
    if (field === undefined) {
      isSame = false;
      continue;
    }
    spend(walk, key.length + 3);
    walk.path.push(key);
    const output = visit(walk, field);
    walk.path.pop();
    isSame &&= output === field;
    entries.push([key, output]);
  }
  return isSame ? object : Object.fromEntries(entries);
}

function isPlain(object: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(object);
  return prototype === Object.prototype || prototype === null;
}

function spend(walk: Walk, bytes: number): void {
  walk.bytesLeft -= bytes;
  if (walk.bytesLeft >= 0) return;
  throw permanentError("OUTPUT_TOO_LARGE", `the output is larger than ${walk.maxBytes} bytes`);
}

function badOutput(walk: Walk, what: string): Error {
  const where = walk.path.length === 0 ? "the output" : `/${walk.path.join("/")} of the output`;
  return permanentError("BAD_OUTPUT", `${where} is ${what}, which is not JSON`);
}
