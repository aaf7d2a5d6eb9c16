const encoder = new TextEncoder();

export const NOOP_FLOW = {
  name: "noop",
  version: 1,
  nodes: [{ id: "only", type: "noop" }],
  connections: [],
};

/** One whose first attempt fails; the next is hours away in the bench. */
export const FAILING_MESSAGE = encoder.encode(
  JSON.stringify({
    flowId: "failing",
    flowData: {
      name: "failing",
      version: 1,
      nodes: [
        { id: "only", type: "fail", config: { code: "BENCH", message: "fails", retryable: true } },
      ],
      connections: [],
    },
  }),
);

/**
 * The message that is published for one no-op execution, about 120 bytes. It has no executionId: who
 * gives one publishes it as `Nats-Msg-Id` as well, and the bare baseline would then need headers too.
 */
export const NOOP_MESSAGE = encoder.encode(JSON.stringify({ flowId: "noop", flowData: NOOP_FLOW }));
