// A NestJS application that knows nothing of Batuta but its AMQP contract: it asks for flows, or works.
//
// nest-app.mjs emit|send URL QUEUE PATTERN DATA   prints {answer} or {error}
// nest-app.mjs work URL PREFIX WORKER_ID          runs one task, prints it, and ends
import "reflect-metadata";
import { Controller, Module } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { ClientProxyFactory, EventPattern, Transport } from "@nestjs/microservices";
import { lastValueFrom, timeout } from "rxjs";

const [how, url, name, ...rest] = process.argv.slice(2);
const queueOptions = { durable: true, arguments: { "x-queue-type": "quorum" } };
const optionsFor = (queue) => ({
  transport: Transport.RMQ,
  options: { urls: [url], queue, queueOptions, persistent: true },
});
const print = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);

async function ask(pattern, data) {
  const client = ClientProxyFactory.create(optionsFor(name));
  await client.connect();
  const told = how === "send" ? client.send(pattern, data) : client.emit(pattern, data);
  try {
    const answer = await lastValueFrom(told.pipe(timeout(20_000)), { defaultValue: null });
    print({ answer: answer ?? null });
  } catch (error) {
    print({ error });
  }
  await client.close();
}

async function work(workerId) {
  const clients = {};
  const tell = async (queue, pattern, data) => {
    clients[queue] ??= ClientProxyFactory.create(optionsFor(`${name}.${queue}`));
    await lastValueFrom(clients[queue].emit(pattern, data), { defaultValue: null });
  };
  const beating = setInterval(
    () => void tell("workers.heartbeat", "worker.heartbeat", { workerId, status: "healthy" }),
    500,
  );

  class Tasks {
    async run(task) {
      const { taskId, executionId, attempt } = task;
      const outcome = { status: "completed", output: { by: "nest" } };
      await tell("results", "task.result", { taskId, executionId, workerId, attempt, ...outcome });
      print(task);
      clearInterval(beating);
      setTimeout(() => process.exit(0), 500);
    }
  }
  // What decorators do, for there is no compiler here.
  const { prototype } = Tasks;
  const run = Object.getOwnPropertyDescriptor(prototype, "run");
  EventPattern(`task.assign.${workerId}`)(prototype, "run", run);
  Controller()(Tasks);
  class App {}
  Module({ controllers: [Tasks] })(App);

  const queue = optionsFor(`${name}.tasks.${workerId}`);
  const app = await NestFactory.createMicroservice(App, { ...queue, logger: false });
  await app.listen();
  await tell("workers.registration", "worker.registration", {
    workerId,
    capacity: {
      maxConcurrentFlows: 2,
      maxConcurrentNodes: 10,
      memoryLimitMB: 512,
      cpuLimitCores: 1,
    },
    supportedNodeTypes: ["noop"],
    heartbeatIntervalMs: 1_000,
    envelope: "nest",
  });
}

if (how === "work") await work(rest[0]);
else await ask(rest[0].startsWith("{") ? JSON.parse(rest[0]) : rest[0], JSON.parse(rest[1]));
