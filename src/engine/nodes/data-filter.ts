import { z } from "zod";
import { NodeError } from "../../domain/errors.ts";
import { itemExpression } from "../config-fields.ts";
import { defineNode } from "../define-node.ts";
import { forEachItem, itemsOf } from "./items.ts";

/** The items for which `condition` is true, in their order. */
export const dataFilter = defineNode({
  type: "data-filter",
  config: z.strictObject({ condition: itemExpression(), items: z.unknown().optional() }),
  effects: "none",
  run(context) {
    const { condition, items } = context.config;
    const kept: unknown[] = [];
    const done = forEachItem(
      itemsOf(items, context.input),
      (item, index) => {
        if (isTrue(condition(item, index), index)) kept.push(item);
      },
      context,
    );
    return done === undefined ? kept : done.then(() => kept);
  },
});

function isTrue(answer: unknown, index: number): boolean {
  if (typeof answer === "boolean") return answer;
  const message = `condition must be true or false, not ${JSON.stringify(answer)} (item ${index})`;
  throw new NodeError("EXPRESSION", message, { retryable: false });
}
