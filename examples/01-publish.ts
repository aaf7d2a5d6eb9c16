// Publishes a flow with a plain NATS client, once with an executionId of its own and once without,
// and prints both results. Needs `npx batuta dev` in another terminal; run it with
// `npx tsx examples/01-publish.ts`.
import { connect, headers } from "nats";

const nc = await connect({ servers: process.env.BATUTA_NATS_URL ?? "nats://127.0.0.1:4222" });
const results = nc.subscribe("flows.result.*"); // before publishing, so that none is missed

const flow = {
  flowId: "greeting",
  flowData: {
    name: "greeting",
    version: 1,
    nodes: [{ id: "greet", type: "set", config: { value: "Hello {{ inputs.name }}" } }],
  },
  inputs: { name: "Ada" },
};

interface PubAck {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate?: boolean;
}

/** Sent as a request, so that the answer says that the flow is stored. */
async function publish(body: object, messageId?: string): Promise<PubAck> {
  const head = headers();
  if (messageId !== undefined) head.set("Nats-Msg-Id", messageId);
  const options = { headers: head, timeout: 5_000 };
  const ack = await nc.request("flows.execute.normal", JSON.stringify(body), options);
  return ack.json<PubAck>();
}

// With the executionId as message id a publish may be repeated: the flow runs once.
const executionId = `greeting-${Date.now()}`;
await publish({ ...flow, executionId }, executionId);
const again = await publish({ ...flow, executionId }, executionId);
console.log(`published ${executionId}; the second publish is a duplicate: ${again.duplicate}`);

// Without one the execution is called after its place in the stream.
const { stream, seq } = await publish(flow);
console.log(`published ${stream}-${seq}`);

const expected = new Set([executionId, `${stream}-${seq}`]);
for await (const message of results) {
  const result = message.json<{ executionId: string; status: string; output: unknown }>();
  if (!expected.delete(result.executionId)) continue;
  console.log(`${result.executionId} ${result.status}: ${JSON.stringify(result.output)}`);
  if (expected.size === 0) break;
}
await nc.close();
