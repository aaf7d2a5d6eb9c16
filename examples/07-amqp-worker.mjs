// A worker that speaks AMQP only: registers, beats, runs flows of the node types delay and noop, and
// reports. Needs `npx batuta dev --amqp` in another terminal; run it with `node examples/07-amqp-worker.mjs old-1`.
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "amqplib"; // in a project of yours: npm install amqplib

const url = process.env.BATUTA_AMQP_URL ?? "amqp://guest:guest@127.0.0.1:5672";
const prefix = process.env.BATUTA_AMQP_PREFIX ?? "batuta";
const workerId = process.argv[2] ?? `amqp-${process.pid}`;
const slots = 4;
const intervalMs = 1_000;

const connection = await connect(url);
const channel = await connection.createChannel();
const send = (routingKey, body) =>
  channel.publish(prefix, routingKey, Buffer.from(JSON.stringify(body)), { persistent: true });

let running = 0;
async function work(task) {
  running += 1;
  for (const node of task.flowData.nodes)
    if (node.type === "delay") await sleep(node.config.delayMs);
  running -= 1;
  const { taskId, executionId, attempt } = task;
  const output = { by: workerId };
  send("task.result", { taskId, executionId, workerId, attempt, status: "completed", output });
}

const queue = `${prefix}.tasks.${workerId}`;
await channel.assertQueue(queue, { durable: true, arguments: { "x-queue-type": "quorum" } });
await channel.prefetch(slots);
await channel.consume(queue, (message) => {
  // Acknowledged as it is taken: should this process die, Batuta notices and runs it elsewhere.
  channel.ack(message);
  void work(JSON.parse(message.content));
});

send("worker.registration", {
  workerId,
  hostname: "old-box",
  capacity: {
    maxConcurrentFlows: slots,
    maxConcurrentNodes: slots,
    memoryLimitMB: 512,
    cpuLimitCores: 1,
  },
  supportedNodeTypes: ["delay", "noop"],
  heartbeatIntervalMs: intervalMs,
});
setInterval(() => {
  const currentLoad = { activeFlows: running, memoryUsagePercent: 20, cpuUsagePercent: 5 };
  send("worker.heartbeat", { workerId, status: "healthy", currentLoad });
}, intervalMs / 2);
console.log(`${workerId} works`);
