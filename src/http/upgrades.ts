import { IncomingMessage, type Server, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { NotFoundError } from "../domain/errors.ts";
import type { HttpExtensions, UpgradeRoute } from "./extensions.ts";
import type { HttpLog } from "./port.ts";
import { HttpError, problemOf } from "./problem.ts";
import { refuseForeignOrigin, type Visitors } from "./visitors.ts";

const asked = new WeakSet<IncomingMessage>();

/**
 * Java's client and `curl --http2` offer to go on in HTTP/2 with each request. Node would hand all of
 * those to whoever takes WebSockets; here they remain requests, as a server may decide.
 */
export class Incoming extends IncomingMessage {
  get upgrade(): boolean {
    return asked.has(this) && this.headers.upgrade?.toLowerCase() === "websocket";
  }

  set upgrade(isAsked: boolean | null) {
    if (isAsked) asked.add(this);
  }
}

/** Hands connections that ask for a WebSocket to those that take them; others get an answer of HTTP. */
export class Upgrades {
  readonly #extensions: HttpExtensions;
  readonly #visitors: Visitors;
  readonly #log: HttpLog;
  readonly #sockets = new Set<Duplex>();
  #isClosing = false;

  constructor(extensions: HttpExtensions, visitors: Visitors, log: HttpLog) {
    this.#extensions = extensions;
    this.#visitors = visitors;
    this.#log = log;
  }

  serve(server: Server): void {
    server.on("upgrade", (request, socket, head) => {
      // A broken connection ends with "close", which each owner of it looks for.
      socket.on("error", () => {});
      try {
        this.#admit(request).take(request, socket, head);
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
      } catch (error) {
        this.#refuse(request, socket, error);
      }
    });
  }

  /** Asks all to end, and cuts those that have not after `graceMs`. */
  close(graceMs: number): () => void {
    this.#isClosing = true;
    this.#extensions.close?.();
    const cut = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    return () => clearTimeout(cut);
  }

  /** @throws HttpError why it is not taken. */
  #admit(request: IncomingMessage): UpgradeRoute {
    const { host = "localhost", origin, authorization, cookie } = request.headers;
    const { pathname, searchParams } = addressOf(request);
    const { upgrades = [], origins = [] } = this.#extensions;
    const route = upgrades.find(({ path }) => path === pathname);
    const queryToken = route?.tokenInQuery ? (searchParams.get("token") ?? undefined) : undefined;
    this.#visitors.checkViewer({ method: "GET", host, origin, authorization, cookie, queryToken });
    refuseForeignOrigin(origin, host, origins);
    if (route === undefined) throw new NotFoundError(`there is no WebSocket ${pathname}`);
    const busy = this.#isClosing ? "the orchestrator is closing" : route.busy?.();
    if (busy !== undefined) throw new HttpError(busy, { code: "BUSY" });
    return route;
  }

  #refuse(request: IncomingMessage, socket: Duplex, thrown: unknown): void {
    const { pathname: path } = addressOf(request);
    const { body, headers } = problemOf(thrown, path);
    if (body.status === 500) this.#log.error({ path, err: thrown }, "request failed");
    const { code, detail } = body;
    this.#extensions.refused?.({ path, origin: request.headers.origin, code, detail });
    const text = JSON.stringify(body);
    const head = {
      ...headers,
      "content-type": "application/problem+json",
      "content-length": String(Buffer.byteLength(text)),
      connection: "close",
    };
    const lines = Object.entries(head).map(([name, value]) => `${name}: ${value}`);
    const status = `HTTP/1.1 ${body.status} ${STATUS_CODES[body.status]}`;
    socket.end([status, ...lines, "", text].join("\r\n"), () => socket.destroy());
  }
}

/** The address without its query stays: a token in it is not to be told. */
function addressOf({ url = "/" }: IncomingMessage): URL {
  return URL.canParse(url, "http://host") ? new URL(url, "http://host") : new URL("http://host/");
}
