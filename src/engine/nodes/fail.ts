import { z } from "zod";
import { NodeError } from "../../domain/errors.ts";
import { defineNode } from "../define-node.ts";

/** Fails with the error of its config; not retryable unless it says so. */
export const fail = defineNode({
  type: "fail",
  config: z.strictObject({
    code: z.string().min(1).max(64).default("FAILED"),
    message: z.string().max(2_000).default("the flow failed on purpose"),
    retryable: z.boolean().default(false),
  }),
  ports: [],
  effects: "none",
  run({ config }) {
    throw new NodeError(config.code, config.message, { retryable: config.retryable });
  },
});
