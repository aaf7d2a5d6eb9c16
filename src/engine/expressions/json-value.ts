import { Optional } from "@marcbachmann/cel-js";
import { NodeError } from "../../domain/errors.ts";

const MAX_DEPTH = 200;

/**
 * What CEL computed as JSON: ints become numbers, timestamps ISO 8601, durations "90s", bytes
 * base64, absent optionals null. Parts that are JSON already are shared, not copied.
 *
 * @throws NodeError EXPRESSION for a value nested deeper than 200 levels.
 */
export function toJsonValue(value: unknown, depth = 0): unknown {
  if (typeof value === "bigint") return Number(value);
  if (value === undefined) return null;
  if (typeof value !== "object" || value === null) return value;
  if (depth > MAX_DEPTH) {
    throw new NodeError("EXPRESSION", `the value is nested deeper than ${MAX_DEPTH} levels`, {
      retryable: false,
    });
  }
  if (Array.isArray(value)) return listToJson(value, depth);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return objectToJson(value, depth);
  return instanceToJson(value, depth);
}

function listToJson(list: readonly unknown[], depth: number): readonly unknown[] {
  const converted = list.map((element) => toJsonValue(element, depth + 1));
  return converted.some((element, index) => element !== list[index]) ? converted : list;
}

function objectToJson(value: object, depth: number): object {
  const entries = Object.entries(value);
  const converted = entries.map(([key, field]) => [key, toJsonValue(field, depth + 1)] as const);
  const isSame = converted.every(([, field], index) => field === entries[index]?.[1]);
  return isSame ? value : Object.fromEntries(converted);
}

/** The few classes that CEL values are made of. */
function instanceToJson(value: object, depth: number): unknown {
  if (value instanceof Map) return objectToJson(Object.fromEntries(value), depth);
  if (value instanceof Set) return listToJson([...value], depth);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (value instanceof Optional) {
    return value.hasValue() ? toJsonValue(value.value(), depth + 1) : null;
  }
  const primitive: unknown = value.valueOf();
  return typeof primitive === "bigint" ? Number(primitive) : String(value);
}

/**
 * The same value with a Map for every object that has a field "constructor": cel-js takes such an
 * object for an instance of an unknown class and refuses to read it.
 */
export function withReadableObjects(value: unknown, depth = 0): unknown {
  if (typeof value !== "object" || value === null || depth > MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => withReadableObjects(item, depth + 1));
  if (value instanceof Map) {
    return new Map([...value].map(([key, field]) => [key, withReadableObjects(field, depth + 1)]));
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const entries = Object.entries(value).map(
    ([key, field]) => [key, withReadableObjects(field, depth + 1)] as const,
  );
  return Object.hasOwn(value, "constructor") ? new Map(entries) : Object.fromEntries(entries);
}
