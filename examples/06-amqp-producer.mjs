// Publishes flows over AMQP, as a client of the old orchestrator does, and prints what became of each.
// Needs `npx batuta dev --amqp` in another terminal; run it with `node examples/06-amqp-producer.mjs 3`.
import { randomUUID } from "node:crypto";
import { connect } from "amqplib"; // in a project of yours: npm install amqplib

const url = process.env.BATUTA_AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const prefix = process.env.BATUTA_AMQP_PREFIX ?? "batuta";
const count = Number(process.argv[2] ?? 1);

const connection = await connect(url);
const channel = await connection.createConfirmChannel();
const { queue: replyTo } = await channel.assertQueue("", { exclusive: true });

const waiting = new Set();
let allEnded;
const done = new Promise((resolve) => {
  allEnded = resolve;
});
const hear = ({ content }) => {
  const { executionId, status, workerId, attempts } = JSON.parse(content);
  console.log(`${executionId} ${status} by ${workerId}, attempt ${attempts}`);
  waiting.delete(executionId);
  if (waiting.size === 0) allEnded();
};
await channel.consume(replyTo, hear, { noAck: true });

const flowData = {
  name: "nap",
  version: 1,
  nodes: [{ id: "nap", type: "delay", config: { delayMs: 200 } }],
  connections: [],
};
for (let i = 0; i < count; i += 1) {
  const executionId = randomUUID();
  waiting.add(executionId);
  const body = Buffer.from(JSON.stringify({ flowId: "nap", executionId, flowData }));
  // With the id of the execution as the message id it may be published again: it runs once.
  channel.publish(prefix, "flow.execute.normal", body, {
    contentType: "application/json",
    persistent: true,
    messageId: executionId,
    correlationId: executionId,
    replyTo,
  });
}
await channel.waitForConfirms();
await done;
await connection.close();
