import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { ConfigError } from "../domain/errors.ts";
import { createHttpApp, type HttpAppOptions, type Served } from "./app.ts";
import { closeServer, trackAnswers } from "./closing.ts";
import { isLoopbackHost } from "./guards.ts";
import type { HttpLog } from "./port.ts";
import { HttpError, problemOf } from "./problem.ts";
import { Incoming, Upgrades } from "./upgrades.ts";
import { Visitors } from "./visitors.ts";
import { WaitRoom } from "./waiting.ts";

/** `config.http` fits. */
export interface HttpServerOptions extends HttpAppOptions {
  readonly host: string;
  /** 0 takes any free one. */
  readonly port: number;
  /** How long answers under way may take once the server closes; default 5 s. */
  readonly closeGraceMs?: number;
}

export interface HttpServer extends AsyncDisposable {
  /** Where it listens, like http://127.0.0.1:3000. */
  readonly url: string;
  readonly port: number;
  /**
   * Takes no new requests, answers those that wait with 202, and resolves when all are answered or
   * the grace is over. Safe to call twice.
   */
  close(): Promise<void>;
}

/**
 * Serves an HTTP API.
 *
 * @throws ConfigError when the address is taken, may not be used, or would serve others without a token.
 */
export async function startHttpServer(
  served: Served,
  options: HttpServerOptions,
  log: HttpLog,
): Promise<HttpServer> {
  refuseOpenDoor(options);
  const waits = new WaitRoom();
  const visitors = new Visitors(options.token);
  const upgrades = new Upgrades(options.extensions ?? {}, visitors, log);
  const server = serverOf(createHttpApp(served, options, log, waits, visitors));
  upgrades.serve(server);
  const answers = trackAnswers(server);
  const address = await listen(server, options);
  const url = urlOf(address);
  log.info({ url }, "HTTP API listening");
  let closing: Promise<void> | undefined;
  const shut = () => {
    waits.close();
    const graceMs = options.closeGraceMs ?? 5_000;
    const cancelCut = upgrades.close(graceMs);
    return closeServer(server, answers, graceMs).finally(cancelCut);
  };
  const close = () => (closing ??= shut());
  return { url, port: address.port, close, [Symbol.asyncDispose]: close };
}

/** The app handles what fails in a route; here end requests that are none, like one with a broken Host. */
function serverOf({ fetch }: ReturnType<typeof createHttpApp>): Server {
  const listener = getRequestListener(fetch, {
    // Otherwise the Request and Response of the whole process would be replaced.
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      const { body, headers } = problemOf(new HttpError(String(error), { code: "INVALID" }), "");
      return new Response(JSON.stringify(body), {
        status: body.status,
        headers: { ...headers, "content-type": "application/problem+json" },
      });
    },
  });
  const limits = { requestTimeout: 30_000, headersTimeout: 10_000, IncomingMessage: Incoming };
  return createServer(limits, (request, response) => void listener(request, response));
}

function refuseOpenDoor({ host, token }: HttpServerOptions): void {
  if (token !== undefined || isLoopbackHost(host)) return;
  throw new ConfigError(
    `BATUTA_HTTP_HOST (${host}) would serve other machines without a token: ` +
      "set BATUTA_HTTP_TOKEN (or BATUTA_HTTP_TOKEN_FILE), or set BATUTA_HTTP_HOST to 127.0.0.1",
  );
}

function listen(server: Server, { host, port }: HttpServerOptions): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) => reject(listenError(cause, host, port));
    server.once("error", refuse);
    server.listen({ host, port }, () => {
      server.off("error", refuse);
      resolve(server.address() as AddressInfo);
    });
  });
}

function listenError(cause: NodeJS.ErrnoException, host: string, port: number): ConfigError {
  const where = `port ${port} of ${host}`;
  const otherPort = "set BATUTA_HTTP_PORT to another port (0 takes any free one)";
  const otherHost = "set BATUTA_HTTP_HOST to an address of this machine";
  const messages: Readonly<Record<string, string>> = {
    EADDRINUSE: `${where} is in use: ${otherPort}`,
    EACCES: `${where} may not be used by this user: ${otherPort}`,
    EADDRNOTAVAIL: `${where} cannot be listened on: ${otherHost}`,
    ENOTFOUND: `the host ${host} is not known: ${otherHost}`,
  };
  const message = messages[cause.code ?? ""] ?? `${where} cannot be listened on: ${cause.message}`;
  return new ConfigError(message, { cause });
}

/** A wildcard address is no address to call: the URL names this machine instead. */
function urlOf({ address, port, family }: AddressInfo): string {
  if (address === "0.0.0.0" || address === "::") return `http://localhost:${port}`;
  return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
}
