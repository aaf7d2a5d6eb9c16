import { z } from "zod";
import { defineNode } from "../define-node.ts";

/** Its output is `value`, any JSON with templates. */
export const set = defineNode({
  type: "set",
  config: z.strictObject({ value: z.unknown() }),
  effects: "none",
  run: ({ config }) => config.value,
});
