import { z } from "zod";
import { defineNode } from "../define-node.ts";

/** Longest wait of one timer in Node.js, about 24.8 days; beyond it a timer fires at once. */
const MAX_DELAY_MS = 2_147_483_647;

/** Hands its input on after `delayMs`. Holds its slot meanwhile; without a time limit of its own. */
export const delay = defineNode({
  type: "delay",
  config: z.strictObject({ delayMs: z.number().min(0).max(MAX_DELAY_MS) }),
  effects: "none",
  timeoutMs: null,
  async run({ config, input, sleep }) {
    await sleep(config.delayMs);
    return input;
  },
});
