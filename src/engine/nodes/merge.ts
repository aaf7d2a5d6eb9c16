import { z } from "zod";
import { NodeError } from "../../domain/errors.ts";
import { defineNode } from "../define-node.ts";

const MODES = ["object", "append", "zip", "joinByKey", "first"] as const;
type Mode = (typeof MODES)[number];
type Fields = Readonly<Record<string, unknown>>;

/**
 * One value from all that arrived, taken in the order of the flow's connections.
 * - object: the fields of all objects; a later one wins. append: all lists one after the other.
 * - zip: a list of lists, the n-th of each; as long as the longest, null where one is shorter.
 * - joinByKey: objects of all lists with the same `key` become one. first: the first value.
 */
export const merge = defineNode({
  type: "merge",
  config: z
    .strictObject({
      mode: z.enum(MODES).default("object"),
      key: z.string().min(1).optional(),
    })
    .refine((config) => config.mode !== "joinByKey" || config.key !== undefined, {
      path: ["key"],
      message: "is required by mode joinByKey",
    }),
  effects: "none",
  run({ config, input, inputs }) {
    const values = inputs.length === 0 ? [input] : inputs.map((arrival) => arrival.value);
    return combine[config.mode](values, config.key ?? "");
  },
});

const combine: Readonly<Record<Mode, (values: readonly unknown[], key: string) => unknown>> = {
  object: (values) => mergeFields(values.map(asObject)),
  append: (values) => values.flatMap((value) => (Array.isArray(value) ? value : [value])),
  zip: (values) => zip(values.map(asList)),
  joinByKey: (values, key) => joinByKey(values.flatMap(asList).map(asObject), key),
  first: (values) => values[0] ?? null,
};

function zip(lists: readonly (readonly unknown[])[]): unknown[][] {
  const length = lists.reduce((longest, list) => Math.max(longest, list.length), 0);
  return Array.from({ length }, (_, index) => lists.map((list) => list[index] ?? null));
}

/** In the order in which keys first appear. */
function joinByKey(rows: readonly Fields[], key: string): Fields[] {
  const groups = new Map<string, Fields[]>();
  for (const row of rows) {
    if (!Object.hasOwn(row, key)) throw mergeError(`an object has no field "${key}"`);
    const value = JSON.stringify(row[key]);
    const group = groups.get(value);
    if (group === undefined) groups.set(value, [row]);
    else group.push(row);
  }
  return [...groups.values()].map(mergeFields);
}

/** Not Object.assign: a field called "__proto__" stays a field. */
function mergeFields(objects: readonly Fields[]): Fields {
  return Object.fromEntries(objects.flatMap((object) => Object.entries(object)));
}

function asObject(value: unknown): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Fields;
  throw mergeError(`expected an object, got ${JSON.stringify(value)?.slice(0, 100)}`);
}

function asList(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw mergeError(`expected a list, got ${JSON.stringify(value)?.slice(0, 100)}`);
}

function mergeError(message: string): NodeError {
  return new NodeError("MERGE", message, { retryable: false });
}
