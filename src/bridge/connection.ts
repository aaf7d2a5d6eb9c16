import { type Channel, type ChannelModel, type ConfirmChannel, connect } from "amqplib";
import { withoutLogin } from "./server-name.ts";

export interface ConnectionOptions {
  readonly url: string;
  /** Shown by the broker's management. */
  readonly name: string;
  readonly heartbeatMs: number;
}

export interface ConnectionEvents {
  /** Told once, whatever ended it, unless `close` was called before. */
  readonly lost: (reason: string) => void;
  readonly blocked: (reason: string) => void;
  readonly unblocked: () => void;
}

const CONNECT_MS = 10_000;
const NOT_FOUND = 404;

/** One connection to the broker. It is never mended: whoever has it opens another one. */
export class AmqpConnection {
  readonly #model: ChannelModel;
  readonly #events: ConnectionEvents;
  #isOver = false;

  private constructor(model: ChannelModel, events: ConnectionEvents) {
    this.#model = model;
    this.#events = events;
    // Before anything else: an error that nobody hears would end the process.
    model.on("error", (error) => this.lose(error.message));
    model.on("close", () => this.lose("the broker closed the connection"));
    model.on("blocked", (reason) => events.blocked(reason));
    model.on("unblocked", () => events.unblocked());
  }

  /** @throws Error that names the server, without its login, and what it said. */
  static async open(options: ConnectionOptions, events: ConnectionEvents): Promise<AmqpConnection> {
    const { url, name, heartbeatMs } = options;
    const seconds = Math.max(1, Math.round(heartbeatMs / 1_000));
    try {
      const model = await connect(withHeartbeat(url, seconds), {
        timeout: CONNECT_MS,
        noDelay: true,
        clientProperties: { connection_name: name },
      });
      return new AmqpConnection(model, events);
    } catch (cause) {
      const said = (cause as Error).message || (cause as { code?: string }).code;
      throw new Error(`${withoutLogin(url)}: ${said}`, { cause });
    }
  }

  /** What the broker says that it is. */
  get server(): { readonly product: string; readonly version: string } {
    const { product = "a broker", version = "?" } = this.#model.connection.serverProperties;
    return { product: String(product), version: String(version) };
  }

  async channel(): Promise<Channel> {
    return this.#guarded(await this.#model.createChannel());
  }

  async confirmChannel(): Promise<ConfirmChannel> {
    return this.#guarded(await this.#model.createConfirmChannel());
  }

  /**
   * What the broker says to a question; undefined where it says that there is no such thing (404). It closes
   * the channel then: each question has one of its own.
   */
  async ask<T>(question: (channel: Channel) => Promise<T>): Promise<T | undefined> {
    const channel = await this.#model.createChannel();
    channel.on("error", () => {});
    try {
      const answer = await question(channel);
      await channel.close();
      return answer;
    } catch (error) {
      if ((error as { code?: number }).code === NOT_FOUND) return undefined;
      throw error;
    }
  }

  /** Ends it, as whoever has it takes it for broken. */
  lose(reason: string): void {
    if (this.#isOver) return;
    this.#isOver = true;
    // Most often it is closed already; either way nothing more comes of it.
    this.#model.close().catch(() => {});
    this.#events.lost(reason);
  }

  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    // One that breaks while it is closed is closed as well.
    await this.#model.close().catch(() => {});
  }

  /** A channel that the broker closes takes the connection with it: all is built anew, and nothing by halves. */
  #guarded<C extends Channel>(channel: C): C {
    channel.on("error", (error) => this.lose(error.message));
    channel.on("close", () => this.lose("the broker closed a channel"));
    return channel;
  }
}

function withHeartbeat(url: string, seconds: number): string {
  const address = new URL(url);
  address.searchParams.set("heartbeat", String(seconds));
  return address.href;
}
