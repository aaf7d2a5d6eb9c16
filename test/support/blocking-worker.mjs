// A worker with a node type that does not let go of the event loop, as a careless one would.
import { z } from "zod";
import { defineNode, serve } from "../../dist/src/index.js";

const block = defineNode({
  type: "block",
  config: z.strictObject({ forMs: z.number() }),
  effects: "none",
  run: ({ config }) => {
    const until = Date.now() + config.forMs;
    while (Date.now() < until);
    return "went on";
  },
});

await serve([block]);
