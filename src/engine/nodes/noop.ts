import { z } from "zod";
import { defineNode } from "../define-node.ts";

/** Hands its input on. */
export const noop = defineNode({
  type: "noop",
  config: z.strictObject({}),
  effects: "none",
  run: ({ input }) => input,
});
