import { onTestFinished } from "vitest";
import type { AmqpTask } from "../../src/messages/amqp-worker.ts";
import type { LegacyClient } from "./legacy-client.ts";

export interface LegacyWorkerOptions {
  readonly slots?: number;
  readonly nodeTypes?: readonly string[];
  readonly intervalMs?: number;
  readonly queueType?: "quorum" | "classic";
  /** What it reports of a task; undefined: nothing. */
  readonly work?: (task: AmqpTask) => object | undefined | Promise<object | undefined>;
}

/** A worker as the seed's orchestrator had them: it registers once, beats, and reports what it was given. */
export class LegacyWorker {
  readonly tasks: AmqpTask[] = [];
  readonly #client: LegacyClient;
  readonly #workerId: string;
  readonly #options: LegacyWorkerOptions;
  #beating: NodeJS.Timeout | undefined;
  #consumer = "";

  constructor(client: LegacyClient, workerId: string, options: LegacyWorkerOptions = {}) {
    this.#client = client;
    this.#workerId = workerId;
    this.#options = options;
  }

  async start(): Promise<void> {
    const { slots = 2, nodeTypes = ["noop"], intervalMs = 1_000 } = this.#options;
    const workerId = this.#workerId;
    await this.#client.publish("worker.registration", {
      workerId,
      hostname: "old-box",
      capacity: {
        maxConcurrentFlows: slots,
        maxConcurrentNodes: 10,
        memoryLimitMB: 512,
        cpuLimitCores: 1,
      },
      supportedNodeTypes: nodeTypes,
      heartbeatIntervalMs: intervalMs,
    });
    const load = { activeFlows: 0, activeNodes: 0, memoryUsagePercent: 20, cpuUsagePercent: 5 };
    const beat = () =>
      this.#client
        .publish("worker.heartbeat", { workerId, status: "healthy", currentLoad: load })
        // The test ends, and its connection with it.
        .catch(() => clearInterval(this.#beating));
    clearInterval(this.#beating);
    this.#beating = setInterval(() => void beat(), intervalMs / 2);
    onTestFinished(() => clearInterval(this.#beating));
    await this.#consume();
  }

  /** Says nothing more and takes nothing more, as one that was killed. */
  async die(): Promise<void> {
    clearInterval(this.#beating);
    await this.#client.channel.cancel(this.#consumer).catch(() => {});
  }

  /** It still beats, but leaves its queue alone. */
  async stopsTaking(): Promise<void> {
    await this.#client.channel.cancel(this.#consumer);
  }

  report(task: AmqpTask, more: object): Promise<void> {
    const { taskId, executionId, attempt } = task;
    const workerId = this.#workerId;
    return this.#client.publish("task.result", { taskId, executionId, workerId, attempt, ...more });
  }

  async #consume(): Promise<void> {
    const { channel, prefix } = this.#client;
    const queue = `${prefix}.tasks.${this.#workerId}`;
    // The bridge makes it when it has heard of the worker.
    const { queueType = "quorum" } = this.#options;
    await channel.assertQueue(queue, {
      durable: true,
      arguments: { "x-queue-type": queueType },
    });
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) return;
      channel.ack(message);
      void this.#run(JSON.parse(message.content.toString()) as AmqpTask);
    });
    this.#consumer = consumerTag;
  }

  async #run(task: AmqpTask): Promise<void> {
    this.tasks.push(task);
    const { work = () => ({ status: "completed", output: { by: this.#workerId } }) } =
      this.#options;
    const outcome = await work(task);
    // Where the test ends with its result, the broker may not have confirmed it yet.
    if (outcome !== undefined) await this.report(task, outcome).catch(() => {});
  }
}
