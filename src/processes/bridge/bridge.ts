import type { AmqpConnection } from "../../bridge/connection.ts";
import { Inlet, type Source } from "../../bridge/inlet.ts";
import { type Publication, Publisher } from "../../bridge/publisher.ts";
import { emptyTaskQueue, ensureAmqpTopology, ensureTaskQueue } from "../../bridge/topology.ts";
import { AmqpReplies } from "../../bus/amqp-replies.ts";
import { AmqpWorkers } from "../../bus/amqp-workers.ts";
import { type Bus, connectBus } from "../../bus/connect.ts";
import type { Config } from "../../config/variables.ts";
import { ConfigError } from "../../domain/errors.ts";
import { LANES } from "../../domain/lane.ts";
import { Kernel } from "../../kernel/kernel.ts";
import { type AmqpNames, amqpNames } from "../../messages/amqp-names.ts";
import { type AmqpPublish, taskFor } from "../../messages/amqp-outbound.ts";
import {
  AMQP_WORKER_KINDS,
  type AmqpRegistration,
  type AmqpTask,
} from "../../messages/amqp-worker.ts";
import { showConnection } from "../connection-actor.ts";
import { Inspection } from "../inspection.ts";
import type { ProcessLog } from "../process-log.ts";
import { AmqpWorker } from "./amqp-worker.ts";
import { Incoming } from "./incoming.ts";
import { AmqpLink, type LinkSession } from "./link.ts";
import { Outgoing } from "./outgoing.ts";
import { WorkerDesk } from "./worker-desk.ts";

export interface BridgeHandle {
  /** What came and went since the start, by kind. */
  readonly counts: ReadonlyMap<string, number>;
  /** Settles what is under way; then both links are closed. */
  stop(): Promise<void>;
}

/** How long what is under way may take when the bridge stops. */
const DRAIN_MS = 5_000;

/**
 * Joins a RabbitMQ broker to the bus, by the settings: flows come in, what becomes of them goes out.
 *
 * @throws ConfigError without BATUTA_AMQP_URL; UnreachableError when no NATS server answers. A broker that
 * does not answer is waited for.
 */
export async function startBridge(
  config: Config,
  natsUrl: string,
  id: string,
  log: ProcessLog,
): Promise<BridgeHandle> {
  const { url } = config.amqp;
  if (url === undefined)
    throw new ConfigError("BATUTA_AMQP_URL is not set: the bridge needs a RabbitMQ broker");
  const name = `batuta bridge ${id}`;
  const bus = await connectBus({ url: natsUrl, prefix: config.nats.subjectPrefix, name });
  try {
    const bridge = new Bridge({ config, url, natsUrl, id, name, bus, log });
    await bridge.start();
    return bridge;
  } catch (error) {
    await bus.close();
    throw error;
  }
}

interface BridgeOptions {
  readonly config: Config;
  readonly url: string;
  readonly id: string;
  readonly name: string;
  readonly natsUrl: string;
  readonly bus: Bus;
  readonly log: ProcessLog;
}

interface InSession extends LinkSession {
  readonly inlet: Inlet;
}
interface OutSession extends LinkSession {
  readonly publisher: Publisher;
  ensureTasks(workerId: string): Promise<void>;
  emptyTasks(workerId: string): Promise<void>;
}

class Bridge implements BridgeHandle {
  readonly counts = new Map<string, number>();
  readonly #options: BridgeOptions;
  readonly #kernel = new Kernel();
  readonly #names: AmqpNames;
  readonly #inspection: Inspection | undefined;
  #in: AmqpLink<InSession> | undefined;
  #out: AmqpLink<OutSession> | undefined;
  #desk: WorkerDesk | undefined;
  #outgoing: Outgoing | undefined;
  #replies: AmqpReplies | undefined;

  constructor(options: BridgeOptions) {
    this.#options = options;
    const { config, bus, id, log } = options;
    this.#names = amqpNames(config.amqp.prefix);
    showConnection(this.#kernel, "bridge", bus);
    const kernel = this.#kernel;
    const settings = config.inspect;
    this.#inspection = settings.enabled
      ? new Inspection({ bus, kernel, node: id, kind: "bridge", settings, log })
      : undefined;
  }

  async start(): Promise<void> {
    const { bus, log } = this.#options;
    const replies = await AmqpReplies.open(bus);
    this.#replies = replies;
    const publish = (message: AmqpPublish) => this.#publish(message);
    const offer = (message: AmqpPublish) => this.#offer(message);
    const incoming = new Incoming({
      bus,
      names: this.#names,
      replies,
      publish,
      held: (reason) =>
        this.#in?.send(reason === undefined ? { type: "released" } : { type: "held", reason }),
      counted: (what) => this.#count(what),
    });
    this.#desk = new WorkerDesk({
      bus,
      names: this.#names,
      store: await AmqpWorkers.open(bus),
      begin: (registration) => this.#stand(registration),
      emptied: (workerId) => this.#emptied(workerId),
      publish,
      counted: (what) => this.#count(what),
      log,
    });
    this.#out = this.#outLink();
    this.#in = this.#inLink(incoming, this.#desk);
    this.#outgoing = new Outgoing({ bus, names: this.#names, replies, publish, offer, log });
    this.#outgoing.start();
  }

  async stop(): Promise<void> {
    await this.#in?.stop();
    await this.#desk?.stop();
    await Promise.race([this.#outgoing?.stop(), pause(DRAIN_MS)]);
    await this.#out?.stop();
    this.#replies?.close();
    await this.#inspection?.close();
    this.#kernel.stopAll();
    await this.#options.bus.close();
  }

  /** Its queue is there before the supervisor may give it anything. */
  async #stand(registration: AmqpRegistration): Promise<AmqpWorker> {
    const { config, natsUrl, log } = this.#options;
    const session = await this.#out?.usable();
    if (session === undefined) throw new Error("the bridge stops");
    await session.ensureTasks(registration.workerId);
    const assign = (task: AmqpTask, isNest: boolean) =>
      this.#offer(taskFor(this.#names, task, isNest));
    return new AmqpWorker({ config, natsUrl, registration, assign, log });
  }

  async #emptied(workerId: string): Promise<void> {
    const session = await this.#out?.usable();
    await session?.emptyTasks(workerId);
  }

  #inLink(incoming: Incoming, desk: WorkerDesk): AmqpLink<InSession> {
    const { prefetch } = this.#options.config.amqp;
    return new AmqpLink<InSession>({
      ...this.#linkOptions("in"),
      setUp: async (connection) => {
        await this.#declare(connection);
        const inlet = new Inlet(connection, sourcesOf(this.#names, incoming, desk));
        await inlet.start(prefetch);
        return { inlet, drain: () => inlet.stop(), end: () => inlet.end() };
      },
    });
  }

  #outLink(): AmqpLink<OutSession> {
    const { confirmTimeoutMs } = this.#options.config.amqp;
    return new AmqpLink<OutSession>({
      ...this.#linkOptions("out"),
      setUp: async (connection) => {
        await this.#declare(connection);
        const channel = await connection.confirmChannel();
        const late = (reason: string) => {
          // While it is blocked it owes confirms for as long as it likes.
          if (this.#out?.state === "running.flowing") connection.lose(reason);
        };
        const publisher = new Publisher(channel, confirmTimeoutMs, late);
        const side = await connection.channel();
        const { topology: mode, queueType } = this.#options.config.amqp;
        const ensureTasks = (id: string) =>
          ensureTaskQueue(side, this.#names, id, { mode, queueType });
        return {
          publisher,
          ensureTasks,
          emptyTasks: async (id) => {
            // What is not there closes the channel.
            await ensureTasks(id);
            if (mode !== "off") await emptyTaskQueue(side, this.#names, id);
          },
          drain: () => channel.waitForConfirms(),
          end: (reason) => publisher.end(reason),
        };
      },
    });
  }

  #linkOptions(direction: "in" | "out") {
    const { config, url, name, log } = this.#options;
    const { heartbeatMs, holdMaxMs } = config.amqp;
    const common = { kernel: this.#kernel, url, heartbeatMs, holdMaxMs, drainMaxMs: DRAIN_MS, log };
    return { ...common, direction, name: `${name} ${direction}`, random: Math.random };
  }

  /** On a channel of its own: what the broker refuses closes it. */
  async #declare(connection: AmqpConnection): Promise<void> {
    const { topology: mode, queueType } = this.#options.config.amqp;
    const channel = await connection.channel();
    await ensureAmqpTopology(channel, this.#names, { mode, queueType });
  }

  /** What no queue takes although it has to counts as not published. */
  async #publish(message: AmqpPublish): Promise<void> {
    for (let waitMs = 200; ; waitMs = Math.min(2 * waitMs, 5_000)) {
      if ((await this.#offer(message)) === "confirmed") return;
      this.#options.log.warn(
        { exchange: message.exchange, routingKey: message.routingKey },
        "no AMQP queue takes a message that may not be lost",
      );
      await pause(waitMs);
    }
  }

  /** Again over the next connection where nobody knows what became of it. */
  async #offer(message: AmqpPublish): Promise<Publication> {
    for (;;) {
      const session = await this.#out?.usable();
      if (session === undefined) throw new Error("the bridge stops");
      try {
        const publication = await session.publisher.publish(message);
        this.#count(`${message.type} ${publication}`);
        return publication;
      } catch {
        // The link is on its way down, and says so itself.
        await pause(100);
      }
    }
  }

  #count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

function sourcesOf(names: AmqpNames, incoming: Incoming, desk: WorkerDesk): Source[] {
  const lanes = LANES.map(
    (lane): Source => ({
      queue: names.flows(lane),
      take: (body, properties, isLost) => incoming.handle({ lane, body, properties }, isLost),
    }),
  );
  const workers = AMQP_WORKER_KINDS.map(
    (kind): Source => ({
      queue: names.workers[kind],
      take: (body, properties, isLost) => desk.take(kind, { body, properties }, isLost),
    }),
  );
  return [...lanes, ...workers];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
