import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import type { Bus } from "../../src/bus/connect.ts";

const BIN = fileURLToPath(new URL("../../bin/batuta.js", import.meta.url));
const MOVER = fileURLToPath(new URL("mover.ts", import.meta.url));

/** As the bridge makes its own. */
export const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } };

/** Both brokers, and the processes between them that are measured, each started for as long as it is. */
export class Bench implements AsyncDisposable {
  readonly bus: Bus;
  readonly channel: ConfirmChannel;
  readonly #model: ChannelModel;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(
    bus: Bus,
    model: ChannelModel,
    channel: ConfirmChannel,
    natsUrl: string,
    amqpUrl: string,
  ) {
    this.bus = bus;
    this.channel = channel;
    this.#model = model;
    this.#env = {
      ...process.env,
      BATUTA_NATS_URL: natsUrl,
      BATUTA_AMQP_URL: amqpUrl,
      BATUTA_LOG_FORMAT: "json",
    };
  }

  static async open(bus: Bus, natsUrl: string, amqpUrl: string): Promise<Bench> {
    const model = await connect(amqpUrl);
    return new Bench(bus, model, await model.createConfirmChannel(), natsUrl, amqpUrl);
  }

  /** The bridge, once both of its links run. */
  async bridge(): Promise<AsyncDisposable> {
    return this.#start([BIN, "bridge"], /AMQP link running[\s\S]*AMQP link running/);
  }

  /** Moves from one queue to another one. */
  async mover(from: string, to: string): Promise<AsyncDisposable> {
    return this.#start(["--import", "tsx", MOVER, from, to], /moving/);
  }

  /** Persistent messages, the broker's word for each of them. */
  async fill(queue: string, bodies: Iterable<string>): Promise<void> {
    for (const body of bodies) this.send(queue, body);
    await this.channel.waitForConfirms();
  }

  send(queue: string, body: string): void {
    const options = { persistent: true, contentType: "application/json" };
    this.channel.publish("", queue, Buffer.from(body), options);
  }

  async waiting(queue: string): Promise<number> {
    return (await this.channel.checkQueue(queue)).messageCount;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#model.close();
  }

  async #start(args: readonly string[], isReady: RegExp): Promise<AsyncDisposable> {
    const child = spawn(process.execPath, args, { env: this.#env });
    process.once("exit", () => child.kill("SIGKILL"));
    let said = "";
    await new Promise<void>((resolve, reject) => {
      const hear = (text: Buffer) => {
        said += text;
        if (isReady.test(said)) resolve();
      };
      child.stdout.on("data", hear);
      child.stderr.on("data", hear);
      child.once("exit", () => reject(new Error(`${args.join(" ")} ended:\n${said}`)));
    });
    return { [Symbol.asyncDispose]: () => ended(child) };
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}
