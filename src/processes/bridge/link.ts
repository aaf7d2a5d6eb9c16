import type { AmqpLinkContext, AmqpLinkEvent, AmqpLinkInput } from "../../../actors/amqp-link.ts";
import { amqpLinkWith } from "../../../actors/amqp-link-effects.ts";
import { AmqpConnection, type ConnectionOptions } from "../../bridge/connection.ts";
import { withoutLogin } from "../../bridge/server-name.ts";
import type { ActorRef } from "../../kernel/actor.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { ProcessLog } from "../process-log.ts";

/** What a link does over its connection while it runs. */
export interface LinkSession {
  /** Settles what is under way, and takes nothing more. */
  drain(): Promise<void>;
  /** The connection is gone. */
  end(reason: string): void;
}

export interface LinkOptions<S extends LinkSession> extends ConnectionOptions {
  readonly direction: "in" | "out";
  readonly kernel: Kernel;
  readonly holdMaxMs: number;
  readonly drainMaxMs: number;
  readonly random: () => number;
  readonly log: ProcessLog;
  /** Declares what there has to be, and begins. */
  readonly setUp: (connection: AmqpConnection) => Promise<S>;
}

const FLOWING = "running.flowing";

/** One connection to the broker, held up by its actor: connected again and again until it is stopped. */
export class AmqpLink<S extends LinkSession> {
  readonly #options: LinkOptions<S>;
  readonly #actor: ActorRef<AmqpLinkEvent, AmqpLinkContext>;
  readonly #stopped: Promise<void>;
  #connection: AmqpConnection | undefined;
  #session: S | undefined;
  #waiting: (() => void)[] = [];

  constructor(options: LinkOptions<S>) {
    this.#options = options;
    const { direction, kernel, url, holdMaxMs, drainMaxMs, random, log } = options;
    const server = withoutLogin(url);
    const machine = amqpLinkWith({
      connect: () => void this.#connect(),
      declare: () => void this.#declare(),
      work: () => log.info({ direction, server }, "AMQP link running"),
      stopTaking: () => void this.#drain(),
      disconnect: () => this.#disconnect(),
      effectFailed: (effect, err) => log.error({ err, effect }, "AMQP link"),
    });
    const input: AmqpLinkInput = { direction, server, holdMaxMs, drainMaxMs, random };
    let isStopped: () => void = () => {};
    this.#stopped = new Promise((resolve) => {
      isStopped = resolve;
    });
    this.#actor = kernel.start<AmqpLinkEvent, AmqpLinkInput, AmqpLinkContext>({
      address: `bridge/${direction}`,
      machine,
      input,
    });
    let last = "";
    this.#actor.subscribe(({ state, context, status }) => {
      if (state === last) return;
      last = state;
      const { reason } = context;
      if (state === "backoff") log.warn({ direction, server, reason }, "AMQP link down");
      if (state === "running.blocked" || state === "running.held")
        log.warn({ direction, server, reason, state }, "AMQP link waits");
      if (state === FLOWING || status === "done") this.#wake();
      if (status === "done") isStopped();
    });
  }

  /** How it stands; `runs`: how often it came to run. */
  get view(): {
    readonly state: string;
    readonly runs: number;
    readonly reason: string | undefined;
  } {
    const { state, context } = this.#actor.snapshot();
    return { state, runs: context.runs, reason: context.reason };
  }

  /** What it does now; undefined while it has no connection. */
  get session(): S | undefined {
    return this.#session;
  }

  /** The session, once messages can be handed to the broker; undefined when the link is stopped. */
  async usable(): Promise<S | undefined> {
    while (this.view.state !== FLOWING) {
      if (this.#actor.snapshot().status !== "active") return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#session;
  }

  send(event: AmqpLinkEvent): void {
    this.#actor.send(event);
  }

  /** Drains it; resolves when it is closed. */
  async stop(): Promise<void> {
    this.#actor.send({ type: "drain" });
    await this.#stopped;
  }

  async #connect(): Promise<void> {
    try {
      const connection: AmqpConnection = await AmqpConnection.open(this.#options, {
        lost: (reason) => this.#lost(connection, reason),
        blocked: (reason) => this.send({ type: "blocked", reason }),
        unblocked: () => this.send({ type: "unblocked" }),
      });
      if (this.view.state !== "connecting") return await connection.close();
      this.#connection = connection;
      this.send({ type: "connected" });
    } catch (error) {
      this.send({ type: "failed", reason: (error as Error).message });
    }
  }

  async #declare(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    try {
      const session = await this.#options.setUp(connection);
      if (this.#connection !== connection) return session.end("the link is down");
      this.#session = session;
      this.send({ type: "declared" });
    } catch (error) {
      if (this.#connection === connection)
        this.send({ type: "failed", reason: (error as Error).message });
    }
  }

  /** Also told by one that the link has given up already. */
  #lost(connection: AmqpConnection, reason: string): void {
    if (this.#connection === connection) this.send({ type: "lost", reason });
  }

  async #drain(): Promise<void> {
    // What could not be settled comes again, over the next connection or to another bridge.
    await this.#session?.drain().catch(() => {});
    this.send({ type: "drained" });
  }

  #disconnect(): void {
    this.#session?.end("the link is down");
    this.#session = undefined;
    void this.#connection?.close();
    this.#connection = undefined;
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }
}
