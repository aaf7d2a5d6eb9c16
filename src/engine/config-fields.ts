import { z } from "zod";

/** A field that is worked out once per item of a list. */
export type PerItem<T> = (item: unknown, index: number) => T;

export type FieldKind = "expression" | "item-expression" | "item-template";

const kinds = new WeakMap<z.ZodType, FieldKind>();

/**
 * A field that holds one CEL expression, bare or in `{{ }}`, or a literal that is no text. The node
 * gets its value, checked by `schema`. Call this last: a schema derived from it is an ordinary one.
 */
export function expression<Schema extends z.ZodType>(schema: Schema): Schema {
  const tagged = schema.clone() as Schema;
  kinds.set(tagged, "expression");
  return tagged;
}

/** Like `expression`, with `item` and `index`: the node gets a function to call for each item. */
export function itemExpression() {
  return tagItem("item-expression");
}

/** Any JSON with templates that also see `item` and `index`; the node gets a function. */
export function itemTemplate() {
  return tagItem("item-template");
}

/** How a field is to be read; undefined for ordinary JSON with templates. */
export function fieldKind(schema: z.ZodType | undefined): FieldKind | undefined {
  return schema === undefined ? undefined : kinds.get(schema);
}

function tagItem(kind: FieldKind): z.ZodType<PerItem<unknown>> {
  const schema = z.custom<PerItem<unknown>>((value) => typeof value === "function");
  kinds.set(schema, kind);
  return schema;
}
