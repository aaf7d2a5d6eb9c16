import type { Config } from "../../config/variables.ts";
import {
  type AmqpHeartbeat,
  type AmqpRegistration,
  type AmqpResult,
  type AmqpTask,
  manifestOfAmqp,
} from "../../messages/amqp-worker.ts";
import type { ProcessLog } from "../process-log.ts";
import { startWorker, type WorkerHandle } from "../worker.ts";
import { AmqpEngine } from "./amqp-engine.ts";
import { RelayedBeats } from "./relayed-beats.ts";

export interface AmqpWorkerOptions {
  readonly config: Config;
  readonly natsUrl: string;
  readonly registration: AmqpRegistration;
  readonly assign: (task: AmqpTask, isNest: boolean) => Promise<"confirmed" | "returned">;
  readonly log: ProcessLog;
}

/** Silent for so many of its intervals it is given up (contract B5). */
const LOST_INTERVALS = 6;

/** Stands on the bus for a worker that speaks AMQP: registered, balanced, drained and fenced as any other. */
export class AmqpWorker {
  /** Resolves when it has left the bus, for whatever reason. */
  readonly left: Promise<void>;
  readonly #engine: AmqpEngine;
  readonly #handle: Promise<WorkerHandle>;
  readonly #starting = new AbortController();
  readonly #drainTimeoutMs: number;
  readonly #silentMs: number;
  #beats: RelayedBeats | undefined;
  #heardAt = performance.now();

  constructor({ config, natsUrl, registration, assign, log }: AmqpWorkerOptions) {
    const { workerId, supportedNodeTypes, pool, labels = {}, envelope } = registration;
    const { capacity, heartbeatIntervalMs } = manifestOfAmqp(registration);
    this.#drainTimeoutMs = config.worker.drainTimeoutMs;
    this.#silentMs = LOST_INTERVALS * heartbeatIntervalMs;
    this.#engine = new AmqpEngine({
      workerId,
      nodeTypes: supportedNodeTypes,
      assign: (task) => assign(task, envelope === "nest"),
      unreachable: () => this.becomesUnreachable(),
    });
    const options = {
      natsUrl,
      prefix: config.nats.subjectPrefix,
      workerId,
      pool: pool ?? config.worker.pool,
      labels,
      capacity,
      heartbeatIntervalMs,
      drainTimeoutMs: config.worker.drainTimeoutMs,
      engine: this.#engine,
      inspection: config.inspect,
      log,
      standsFor: {
        startBeats: async (...[bus, start]: ConstructorArguments) => {
          this.#beats = new RelayedBeats(bus, workerId, capacity.maxConcurrentFlows, start);
          return this.#beats;
        },
      },
    };
    this.#handle = startWorker(options, this.#starting.signal);
    this.left = this.#handle.then(
      (handle) => handle.stopped,
      (error) => {
        if (!this.#starting.signal.aborted)
          log.error({ err: error, workerId }, "AMQP worker could not be registered");
      },
    );
  }

  get isSilent(): boolean {
    return performance.now() - this.#heardAt > this.#silentMs;
  }

  get isBusy(): boolean {
    return this.#engine.running > 0;
  }

  /** Its queue is gone: it leaves the bus, until it registers again. What it had taken may still be reported. */
  becomesUnreachable(): void {
    void this.stop("its task queue is gone", this.#drainTimeoutMs);
  }

  heartbeat(beat: AmqpHeartbeat): void {
    this.#heardAt = performance.now();
    this.#beats?.heard(beat);
  }

  result(result: AmqpResult): boolean {
    this.#heardAt = performance.now();
    return this.#engine.report(result);
  }

  async stop(reason: string, graceMs: number): Promise<void> {
    this.#starting.abort(new Error(reason));
    const handle = await this.#handle.catch(() => undefined);
    await handle?.stop(reason, graceMs);
  }
}

type ConstructorArguments = Parameters<
  NonNullable<Parameters<typeof startWorker>[0]["standsFor"]>["startBeats"]
>;
