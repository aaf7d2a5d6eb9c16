import { once } from "node:events";
import { WebSocket } from "ws";
import { routesOf } from "../../src/http/routes.ts";
import { startHttpServer } from "../../src/http/server.ts";
import type { LiveMessage } from "../../src/messages/inspection-live.ts";
import {
  type InspectionGatewayOptions,
  inspectionGateway,
} from "../../src/processes/inspection-gateway.ts";
import { OPTIONS } from "../http/client.ts";
import { fakePort, memoryLog } from "../http/fake-port.ts";
import { MemoryFleet } from "./memory-source.ts";

interface GatewayTestOptions extends Partial<InspectionGatewayOptions> {
  readonly fleet?: MemoryFleet;
  readonly token?: string;
}

/** A server of HTTP with the gateway, over a fleet in memory. */
export async function startGateway({
  fleet = new MemoryFleet(),
  token,
  ...options
}: GatewayTestOptions = {}) {
  const { log, lines } = memoryLog();
  const gateway = inspectionGateway({
    source: fleet,
    sink: fleet,
    redact: (value) => value,
    host: { hostname: "here", version: "0" },
    config: { origins: [], statelyBridge: false },
    stately: { storeMs: 10 },
    log,
    ...options,
  });
  const { extensions } = gateway;
  const settings = { ...OPTIONS, token, host: "127.0.0.1", port: 0, extensions };
  const server = await startHttpServer((deps) => routesOf(fakePort().port, deps), settings, log);
  const close = async () => {
    await server.close();
    await gateway.close();
  };
  const ws = (path: string) => `${server.url.replace("http", "ws")}${path}`;
  return { ...gateway, fleet, server, lines, ws, [Symbol.asyncDispose]: close };
}

/** A page that is connected to `/inspect/live` and keeps what it hears. */
export class Page {
  readonly heard: LiveMessage[] = [];
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | undefined;
  #wake = () => {};

  constructor(url: string, headers: Record<string, string> = {}) {
    this.socket = new WebSocket(url, { headers });
    this.socket.on("message", (data) => {
      this.heard.push(JSON.parse(String(data)) as LiveMessage);
      this.#wake();
    });
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: String(reason) };
      this.#wake();
    });
    this.socket.on("error", () => {});
  }

  send(message: unknown): void {
    this.socket.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  of<T extends LiveMessage["type"]>(type: T): Extract<LiveMessage, { type: T }>[] {
    return this.heard.filter((each) => each.type === type) as Extract<LiveMessage, { type: T }>[];
  }

  /** Resolves once `is` holds, which is asked whenever something came. */
  async until(is: () => boolean): Promise<void> {
    while (!is()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  complete(): Promise<void> {
    return this.until(() => this.of("actors").some(({ complete }) => complete));
  }

  /** All that it has been told of, as it is now. */
  actors(): Map<string, { state: string; lost?: true | undefined }> {
    const actors = new Map<string, { state: string; lost?: true | undefined }>();
    for (const message of this.heard) {
      if (message.type !== "actors" && message.type !== "changes") continue;
      for (const actor of message.actors) actors.set(actor.key, actor);
      if (message.type === "changes") for (const key of message.gone) actors.delete(key);
    }
    return actors;
  }
}

/** The HTTP status with which a WebSocket is refused. */
export async function refusalOf(url: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(url, { headers });
  const [request, response] = await once(socket, "unexpected-response");
  const { statusCode } = response as { statusCode: number };
  socket.on("error", () => {});
  (request as { destroy(): void }).destroy();
  return statusCode;
}
