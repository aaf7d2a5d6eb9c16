const encoder = new TextEncoder();

export const NOOP_FLOW = {
  name: "noop",
  version: 1,
  nodes: [{ id: "only", type: "noop" }],
  connections: [],
};

/** The message that is published for one no-op execution, about 150 bytes. */
export function noopMessage(executionId: string): Uint8Array {
  return encoder.encode(JSON.stringify({ flowId: "noop", executionId, flowData: NOOP_FLOW }));
}
