import { z } from "zod";
import { expression } from "../config-fields.ts";
import { defineNode, toPort } from "../define-node.ts";

/** Hands its input to port `true` or port `false`. */
export const ifNode = defineNode({
  type: "if",
  config: z.strictObject({ condition: expression(z.boolean()) }),
  ports: ["true", "false"],
  effects: "none",
  run: ({ config, input }) => toPort(config.condition ? "true" : "false", input),
});
