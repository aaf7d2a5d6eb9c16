/**
 * A worker as a NestJS microservice, with what npm has of it and nothing of Batuta: it is given tasks by
 * their pattern, acknowledges each when it takes it, and reports through clients of its own.
 */
import "reflect-metadata";
import { Controller, Inject, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientsModule, Ctx, MessagePattern, Payload, Transport } from "@nestjs/microservices";
import { lastValueFrom } from "rxjs";

const { BATUTA_AMQP_URL: url, BATUTA_AMQP_PREFIX: prefix } = process.env;
const [workerId = "nest-1"] = process.argv.slice(2);
const queueOptions = { durable: true, arguments: { "x-queue-type": "quorum" } };
const rmq = (queue) => ({
  transport: Transport.RMQ,
  options: { urls: [url], queue, queueOptions },
});

class Tasks {
  async run(task, context) {
    context.getChannelRef().ack(context.getMessage());
    process.stdout.write(`${JSON.stringify({ pattern: context.getPattern(), task })}\n`);
    const { taskId, executionId, attempt } = task;
    const output = { by: "nest" };
    const result = { taskId, executionId, workerId, attempt, status: "completed", output };
    await lastValueFrom(this.results.emit("task.result", result), { defaultValue: null });
  }
}
// What the compiler of TypeScript makes of decorators, by hand.
MessagePattern(`task.assign.${workerId}`)(
  Tasks.prototype,
  "run",
  Object.getOwnPropertyDescriptor(Tasks.prototype, "run"),
);
Payload()(Tasks.prototype, "run", 0);
Ctx()(Tasks.prototype, "run", 1);
Inject("RESULTS")(Tasks.prototype, "results");
Controller()(Tasks);

class AppModule {}
Module({
  imports: [
    ClientsModule.register([
      { name: "REGISTRATION", ...rmq(`${prefix}.workers.registration`) },
      { name: "HEARTBEAT", ...rmq(`${prefix}.workers.heartbeat`) },
      { name: "RESULTS", ...rmq(`${prefix}.results`) },
    ]),
  ],
  controllers: [Tasks],
})(AppModule);

const tasks = rmq(`${prefix}.tasks.${workerId}`);
const app = await NestFactory.createMicroservice(AppModule, {
  ...tasks,
  options: { ...tasks.options, noAck: false, prefetchCount: 2 },
  logger: ["error", "warn"],
});
await app.listen();
const send = (name, data) => {
  const client = app.get(name);
  return lastValueFrom(client.emit(`worker.${name.toLowerCase()}`, data), { defaultValue: null });
};
await send("REGISTRATION", {
  workerId,
  hostname: "nest",
  envelope: "nest",
  heartbeatIntervalMs: 1000,
  capacity: { maxConcurrentFlows: 2, maxConcurrentNodes: 10, memoryLimitMB: 512, cpuLimitCores: 1 },
  supportedNodeTypes: ["noop"],
});
const beat = { workerId, status: "healthy", currentLoad: { activeFlows: 0 } };
setInterval(() => void send("HEARTBEAT", beat), 500);
