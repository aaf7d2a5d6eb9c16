import { withoutLogin } from "../../bridge/server-name.ts";
import type { Config } from "../../config/variables.ts";
import { UnreachableError } from "../../domain/errors.ts";
import { type RunningOrchestrator, runOrchestrator } from "../../processes/run-orchestrator.ts";
import { ProcessProvisioner } from "../../provisioners/process.ts";
import type { Provisioner } from "../../provisioners/provisioner.ts";
import { createLog, type Log } from "../../telemetry/log.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { FlagValues } from "../flags.ts";
import { durabilityFacts } from "../nats/embedded.ts";
import { openServer, type ServerInUse } from "../nats/server-in-use.ts";
import { DEFAULT_URL } from "../nats/sources.ts";
import { type Format, printRecord } from "../output.ts";
import { provisionerOf } from "../serve/provisioner-of.ts";
import { endsWithin, type StopRequest, stopRequest } from "../stop-signals.ts";
import type { Terminal } from "../terminal.ts";
import { bannerLines, bannerRecord, type DevFacts } from "./banner.ts";
import { devConfig } from "./dev-config.ts";
import { healthyWorkers } from "./healthy-workers.ts";

export interface DevOptions extends FlagValues {
  readonly output: Format;
  /** The address of a RabbitMQ broker to join, or true for the one of the settings. */
  readonly amqp?: string | true;
}

/** The banner does not wait longer for the workers; it says when they are not healthy yet. */
const READY_MS = 15_000;

/**
 * `batuta dev`: a nats-server, an orchestrator and workers in one terminal, until Ctrl-C. Then they
 * stop in reverse order, so that workers can still report what they finish.
 */
export async function dev(options: DevOptions, terminal: Terminal): Promise<ExitCode> {
  const config = await devConfig(options, (line) => terminal.say(line));
  const log = createLog({ ...config.log, base: { process: "dev" } });
  const session = new DevSession(config, options, terminal, log);
  try {
    await session.run();
    return EXIT.ok;
  } finally {
    session.close();
  }
}

class DevSession {
  readonly #config: Config;
  readonly #options: DevOptions;
  readonly #terminal: Terminal;
  readonly #log: Log;
  readonly #stop: StopRequest;
  #provisioner: Provisioner | undefined;
  #failure: Error | undefined;

  constructor(config: Config, options: DevOptions, terminal: Terminal, log: Log) {
    this.#config = config;
    this.#options = options;
    this.#terminal = terminal;
    this.#log = log;
    this.#stop = stopRequest({ force: () => this.#force(), onHangup: true });
  }

  /** Rejects with what ended it, if that was no signal. */
  async run(): Promise<void> {
    const say = (line: string) => this.#terminal.say(line);
    const server = await openServer(this.#config, say, this.#log, this.#stop.signal);
    if (server === undefined) return;
    try {
      server.onExit((error) => this.#fail(error ?? new UnreachableError("nats-server ended")));
      server.onRestart(() => say("nats-server crashed and was started again"));
      if (!this.#stop.signal.aborted) await this.#orchestrate(server);
    } finally {
      await server.stop();
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  close(): void {
    this.#stop.close();
  }

  async #orchestrate(server: ServerInUse): Promise<void> {
    const durability = durabilityFacts(this.#config, server);
    const provisioner = await this.#makeProvisioner(server);
    this.#provisioner = provisioner;
    const options = { durability, provisioner };
    const running = await runOrchestrator(this.#config, server.url, this.#log, options);
    try {
      await this.#serve(server, running);
    } finally {
      const stopped = running.stop(this.#reason());
      const { shutdownTimeoutMs } = this.#config.process;
      if (!(await endsWithin(stopped, shutdownTimeoutMs))) {
        this.#terminal.say("the orchestrator did not stop in time; ending now");
      }
    }
  }

  /** With a bridge, which stops before what it brings flows to. */
  async #serve(server: ServerInUse, running: RunningOrchestrator): Promise<void> {
    if (this.#options.amqp === undefined) return await this.#work(server, running);
    const { startBridge } = await import("../../processes/bridge/bridge.ts");
    const bridge = await startBridge(
      this.#config,
      server.url,
      `bridge-dev-${process.pid}`,
      this.#log,
    );
    try {
      await this.#work(server, running);
    } finally {
      if (!(await endsWithin(bridge.stop(), this.#config.process.shutdownTimeoutMs)))
        this.#terminal.say("the bridge did not stop in time; ending now");
    }
  }

  async #work(server: ServerInUse, running: RunningOrchestrator): Promise<void> {
    const { control, fleet } = running.orchestrator;
    const healthy = healthyWorkers(control, fleet, this.#config.scaling.minWorkers);
    const ready = await endsWithin(Promise.race([healthy.enough, this.#stop.asked]), READY_MS);
    healthy.close();
    if (!this.#stop.signal.aborted) {
      this.#announce({ server, workers: healthy.ids, ready, ...running });
    }
    await this.#stop.asked;
    this.#terminal.say(
      `stopping (${this.#reason()}): workers finish what they hold; again to end at once`,
    );
  }

  /** A worker whose settings are wrong would be started for ever, and fail for ever. */
  async #makeProvisioner(server: ServerInUse): Promise<Provisioner> {
    const say = (line: string) => this.#terminal.say(line);
    const baseId = workerBaseId(this.#config);
    const options = { config: this.#config, natsUrl: server.url, values: this.#options };
    const given = { ...options, baseId, say, outlive: false };
    const provisioner = await provisionerOf(given, "process");
    provisioner.onExit(({ workerId, code }) => {
      if (code !== EXIT.usage) return;
      this.#fail(new Error(`worker ${workerId} does not take its settings: see above`));
    });
    return provisioner;
  }

  #announce(started: Pick<DevFacts, "server" | "httpUrl" | "workers" | "ready">): void {
    const { subjectPrefix } = this.#config.nats;
    const { url } = started.server;
    const exports = {
      ...(url === DEFAULT_URL ? {} : { BATUTA_NATS_URL: url }),
      ...(subjectPrefix === "" ? {} : { BATUTA_SUBJECT_PREFIX: subjectPrefix }),
    };
    const isShown = this.#config.inspect.enabled && started.httpUrl !== undefined;
    const inspectUrl = isShown ? `${started.httpUrl}/inspect` : undefined;
    const slots = this.#config.worker.maxConcurrentFlows;
    const { url: amqpUrl, prefix: amqpPrefix } = this.#config.amqp;
    const amqp =
      this.#options.amqp === undefined || amqpUrl === undefined
        ? undefined
        : { server: withoutLogin(amqpUrl), prefix: amqpPrefix };
    const facts = { ...started, inspectUrl, amqp, slots, exports };
    const { output } = this.#options;
    for (const line of bannerLines(facts, this.#terminal.paintSaid)) this.#terminal.say(line);
    if (output !== "table") printRecord(this.#terminal, output, bannerRecord(facts), []);
  }

  #fail(error: Error): void {
    if (this.#stop.signal.aborted) return;
    this.#failure = error;
    this.#stop.stop(error.message);
  }

  #reason(): string {
    return this.#stop.signal.aborted ? String(this.#stop.signal.reason) : "failed to start";
  }

  /** The nats-server has a lifeline of its own and follows. */
  #force(): never {
    if (this.#provisioner instanceof ProcessProvisioner) this.#provisioner.kill();
    process.exit(EXIT.forced);
  }
}

/**
 * On a server of our own nobody else can have these ids; on a shared one they are made unique, or
 * two developers would evict each other's workers.
 */
export function workerBaseId(config: Config, pid = process.pid): string {
  const shared = config.nats.url !== undefined;
  return config.worker.id ?? (shared ? `dev-${pid}` : "worker");
}
