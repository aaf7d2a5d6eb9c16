import { z } from "zod";
import { itemTemplate } from "../config-fields.ts";
import { defineNode } from "../define-node.ts";
import { forEachItem, itemsOf } from "./items.ts";

/** `value`, any JSON with templates, for each item in order. */
export const dataMap = defineNode({
  type: "data-map",
  config: z.strictObject({ value: itemTemplate(), items: z.unknown().optional() }),
  effects: "none",
  run(context) {
    const { value, items } = context.config;
    const mapped: unknown[] = [];
    const done = forEachItem(
      itemsOf(items, context.input),
      (item, index) => {
        mapped.push(value(item, index));
      },
      context,
    );
    return done === undefined ? mapped : done.then(() => mapped);
  },
});
