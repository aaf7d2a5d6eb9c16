import { type Publication, UnsendableError } from "../../bridge/publisher.ts";
import { withoutLogin } from "../../bridge/server-name.ts";
import { AmqpReplies } from "../../bus/amqp-replies.ts";
import { AmqpWorkers } from "../../bus/amqp-workers.ts";
import { type Bus, connectBus } from "../../bus/connect.ts";
import type { Config } from "../../config/variables.ts";
import { ConfigError } from "../../domain/errors.ts";
import { startHttpServer } from "../../http/server.ts";
import { Kernel } from "../../kernel/kernel.ts";
import { type AmqpNames, amqpNames } from "../../messages/amqp-names.ts";
import { type AmqpPublish, taskFor } from "../../messages/amqp-outbound.ts";
import type { AmqpRegistration, AmqpTask } from "../../messages/amqp-worker.ts";
import { showConnection } from "../connection-actor.ts";
import { Inspection } from "../inspection.ts";
import type { ProcessLog } from "../process-log.ts";
import { AmqpWorker } from "./amqp-worker.ts";
import { BridgeMetrics } from "./bridge-metrics.ts";
import {
  type BridgeHealth,
  type BridgePort,
  bridgeRoutes,
  type LinkHealth,
} from "./bridge-routes.ts";
import { Incoming } from "./incoming.ts";
import { AmqpLink, type LinkSession } from "./link.ts";
import { Outgoing } from "./outgoing.ts";
import { type InSession, type OutSession, openIn, openOut, sourcesOf } from "./sessions.ts";
import { WorkerDesk } from "./worker-desk.ts";

export interface BridgeHandle {
  /** Where its health and its figures are served; undefined where they are not. */
  readonly httpUrl: string | undefined;
  health(): BridgeHealth;
  /** Settles what is under way; then both links are closed. */
  stop(): Promise<void>;
}

const FLOWING = "running.flowing";
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
    return await served(bridge, config, log);
  } catch (error) {
    await bus.close();
    throw error;
  }
}

/** Over HTTP as well, where a port is set. */
async function served(bridge: Bridge, config: Config, log: ProcessLog): Promise<BridgeHandle> {
  const { httpPort: port } = config.amqp;
  const health = () => bridge.health();
  if (port === undefined) return { httpUrl: undefined, health, stop: () => bridge.stop() };
  try {
    const http = await startHttpServer(() => bridgeRoutes(bridge), { ...config.http, port }, log);
    const stop = async () => {
      await bridge.stop();
      await http.close();
    };
    return { httpUrl: http.url, health, stop };
  } catch (error) {
    await bridge.stop();
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

class Bridge implements BridgePort {
  readonly #metrics = new BridgeMetrics(() => this.#now());
  readonly #options: BridgeOptions;
  readonly #kernel = new Kernel();
  readonly #names: AmqpNames;
  readonly #connection: ReturnType<typeof showConnection>;
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
    this.#connection = showConnection(this.#kernel, "bridge", bus);
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
      counted: (what) => this.#metrics.received(what),
      settled: (afterMs) => this.#metrics.accepted(afterMs),
    });
    this.#desk = new WorkerDesk({
      bus,
      names: this.#names,
      store: await AmqpWorkers.open(bus),
      begin: (registration) => this.#stand(registration),
      emptied: (workerId) => this.#emptied(workerId),
      isReachable: async (workerId) => (await this.#out?.usable())?.hasTasks(workerId) ?? true,
      publish,
      counted: (what) => this.#metrics.received(what),
      log,
    });
    this.#out = this.#outLink();
    this.#in = this.#inLink(incoming, this.#desk);
    this.#outgoing = new Outgoing({ bus, names: this.#names, replies, publish, offer, log });
    this.#outgoing.start();
  }

  async stop(): Promise<void> {
    // What its workers report comes in until then.
    await this.#desk?.stop(this.#options.config.worker.drainTimeoutMs);
    await this.#in?.stop();
    await Promise.race([this.#outgoing?.stop(), pause(DRAIN_MS)]);
    await this.#out?.stop();
    this.#replies?.close();
    await this.#inspection?.close();
    this.#kernel.stopAll();
    await this.#options.bus.close();
  }

  metrics(): Promise<string> {
    return this.#metrics.text();
  }

  health(): BridgeHealth {
    const { url } = this.#options;
    const { links, unsettled, unconfirmed } = this.#now();
    const [into, out] = links;
    const connected = this.#connection.snapshot().state === "ready";
    const ready = connected && links.every(({ state }) => state === FLOWING);
    return {
      status: ready ? "healthy" : "degraded",
      ready,
      server: withoutLogin(url),
      nats: { connected },
      links: { in: healthOf(into), out: healthOf(out) },
      workers: this.#desk?.workers ?? [],
      unsettled,
      unconfirmed,
      counts: Object.fromEntries(this.#metrics.counts),
    };
  }

  #now() {
    const link = (direction: "in" | "out", of: AmqpLink<LinkSession> | undefined) => ({
      direction,
      ...(of?.view ?? { state: "connecting", runs: 0, reason: undefined }),
    });
    return {
      links: [link("in", this.#in), link("out", this.#out)] as const,
      unsettled: this.#in?.session?.inlet.unsettled ?? 0,
      unconfirmed: this.#out?.session?.publisher.unconfirmed ?? 0,
      workers: this.#desk?.workers.length ?? 0,
    };
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
    const sources = sourcesOf(this.#names, incoming, desk);
    return new AmqpLink<InSession>({
      ...this.#linkOptions("in"),
      setUp: (connection) =>
        openIn(connection, this.#names, this.#topology(), { prefetch, sources }),
    });
  }

  #outLink(): AmqpLink<OutSession> {
    const { confirmTimeoutMs } = this.#options.config.amqp;
    return new AmqpLink<OutSession>({
      ...this.#linkOptions("out"),
      setUp: (connection) => {
        const late = (reason: string) => {
          // While it is blocked it owes confirms for as long as it likes.
          if (this.#out?.view.state === FLOWING) connection.lose(reason);
        };
        return openOut(connection, this.#names, this.#topology(), { confirmTimeoutMs, late });
      },
    });
  }

  #topology() {
    const { topology: mode, queueType } = this.#options.config.amqp;
    return { mode, queueType };
  }

  #linkOptions(direction: "in" | "out") {
    const { config, url, name, log } = this.#options;
    const { heartbeatMs, holdMaxMs } = config.amqp;
    const common = { kernel: this.#kernel, url, heartbeatMs, holdMaxMs, drainMaxMs: DRAIN_MS, log };
    return { ...common, direction, name: `${name} ${direction}`, random: Math.random };
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
        this.#metrics.published(message.type, publication);
        return publication;
      } catch (error) {
        if (error instanceof UnsendableError) {
          const { type, routingKey } = message;
          this.#options.log.error({ err: error, type, routingKey }, "cannot be sent over AMQP");
          throw error;
        }
        // The link is on its way down, and says so itself.
        await pause(100);
      }
    }
  }
}

function healthOf({ state, reason }: { state: string; reason: string | undefined }): LinkHealth {
  return { state, ...(reason === undefined ? {} : { reason }) };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
