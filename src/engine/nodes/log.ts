import { z } from "zod";
import { defineNode } from "../define-node.ts";

/** Writes a line to the worker's log and hands its input on. */
export const log = defineNode({
  type: "log",
  config: z.strictObject({
    message: z.unknown(),
    level: z.enum(["debug", "info", "warn", "error"]).default("info"),
  }),
  effects: "none",
  run({ config, input, log, executionId, flowId, nodeId }) {
    const { message, level } = config;
    const text = typeof message === "string" ? message : JSON.stringify(message);
    log[level]({ executionId, flowId, nodeId }, text);
    return input;
  },
});
