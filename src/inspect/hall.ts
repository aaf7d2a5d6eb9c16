import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import { Connection, type ConnectionEvents, type ConnectionLimits } from "./connection.ts";

export interface HallOptions extends Partial<ConnectionLimits> {
  /** Over all endpoints; default 100. */
  readonly maxConnections?: number;
  /** How often signs of life are asked for; default 10 s. */
  readonly checkMs?: number;
  readonly onTrouble: (reason: string, detail: unknown) => void;
}

/** One place where WebSockets are accepted, in the shape in which the HTTP server takes it. */
export interface Endpoint {
  readonly path: string;
  readonly tokenInQuery: boolean;
  busy(): string | undefined;
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

const DEFAULTS = {
  maxConnections: 100,
  checkMs: 10_000,
  waitingBytes: 1_048_576,
  silenceMs: 30_000,
  messagesPer10s: 200,
};

/** All WebSockets of the inspection: as many as can be served, none of them dead. */
export class Hall {
  readonly #options: Required<HallOptions>;
  readonly #connections = new Set<Connection>();
  #checking: NodeJS.Timeout | undefined;

  constructor(options: HallOptions) {
    this.#options = { ...DEFAULTS, ...options };
  }

  get size(): number {
    return this.#connections.size;
  }

  /** An endpoint whose connections are handed to `welcome`, which says what to do with what comes of them. */
  endpoint(
    path: string,
    limits: Partial<ConnectionLimits> & { maxFrameBytes: number; tokenInQuery?: boolean },
    welcome: (connection: Connection) => ConnectionEvents,
  ): Endpoint {
    const { maxFrameBytes, tokenInQuery = false, ...others } = limits;
    const server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      maxPayload: maxFrameBytes,
      // What is sent is text of our own on a machine of our own, mostly: memory is dearer than bytes.
      perMessageDeflate: false,
    });
    const { onTrouble, maxConnections } = this.#options;
    server.on("wsClientError", (error) => onTrouble("a broken WebSocket handshake", error.message));
    const own = { ...this.#options, ...others };
    return {
      path,
      tokenInQuery,
      busy: () =>
        this.size >= maxConnections ? `${maxConnections} clients are connected` : undefined,
      take: (request, socket, head) => {
        server.handleUpgrade(request, socket, head, (webSocket) => {
          const trouble = (reason: string) => onTrouble(reason, { path });
          const connection = new Connection(webSocket, own, Date.now(), trouble);
          this.#enter(connection, welcome(connection));
        });
      },
    };
  }

  /** Ends all with 1001. */
  close(): void {
    clearInterval(this.#checking);
    for (const connection of this.#connections) connection.goAway();
  }

  #enter(connection: Connection, events: ConnectionEvents): void {
    this.#connections.add(connection);
    const closed = () => {
      this.#connections.delete(connection);
      if (this.size === 0) clearInterval(this.#checking);
      events.closed();
    };
    connection.listen({ ...events, closed }, Date.now);
    if (this.size === 1) this.#checking = setInterval(() => this.#check(), this.#options.checkMs);
  }

  #check(): void {
    for (const connection of this.#connections) connection.check(Date.now());
  }
}
