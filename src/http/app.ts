import { type Context, Hono, type MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { NotFoundError } from "../domain/errors.ts";
import { readBody } from "./body.ts";
import type { Call, Route } from "./call.ts";
import { guardFor } from "./guards.ts";
import type { HttpLog, OrchestratorPort } from "./port.ts";
import { HttpError, problemOf } from "./problem.ts";
import { routesOf } from "./routes.ts";
import { WaitRoom } from "./waiting.ts";

export interface HttpAppOptions {
  /** Undefined: only local clients are served. */
  readonly token: string | undefined;
  readonly bodyLimitBytes: number;
  readonly waitMaxMs: number;
}

type Env = { Variables: { requestId: string } };

/** The HTTP API over `port`, without a socket: `app.request()` serves a test, `app.fetch` a server. */
export function createHttpApp(
  port: OrchestratorPort,
  options: HttpAppOptions,
  log: HttpLog,
  waits: WaitRoom = new WaitRoom(),
): Hono<Env> {
  const routes = routesOf(port, { waitMaxMs: options.waitMaxMs, waits, log });
  const app = new Hono<Env>();
  app.use(requestId(), observe(log, waits), secureHeaders(HEADERS), guard(options.token, routes));
  for (const route of routes) {
    app.on(route.method, route.path, (c) => answer(c, route, options.bodyLimitBytes));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(path, (c) => refuseMethod(c, path, routes));
  }
  app.notFound((c) => problem(c, new NotFoundError(`there is no route ${c.req.path}`)));
  app.onError((error, c) => {
    logFailure(log, c, error);
    return problem(c, error);
  });
  return app;
}

const HEADERS = {
  contentSecurityPolicy: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  xFrameOptions: "DENY",
  // HTTPS is the business of whatever stands in front of us.
  strictTransportSecurity: false,
};

/** Writes one line for each request, and ends kept-alive connections once the server is closing. */
function observe(log: HttpLog, waits: WaitRoom): MiddlewareHandler<Env> {
  return async (c, next) => {
    const startedAt = performance.now();
    await next();
    c.header("cache-control", "no-store");
    if (waits.closed) c.header("connection", "close");
    const durationMs = Math.round(performance.now() - startedAt);
    log.debug({ ...aboutRequest(c), status: c.res.status, durationMs }, "request answered");
  };
}

function guard(token: string | undefined, routes: readonly Route[]): MiddlewareHandler<Env> {
  const check = guardFor(token);
  const open = new Set(routes.filter((route) => route.open).map((route) => route.path));
  return async (c, next) => {
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    const { authorization, origin } = c.req.header();
    const exempt = token !== undefined && open.has(c.req.path);
    if (!exempt) check({ method: c.req.method, host, origin, authorization });
    await next();
  };
}

async function answer(c: Context<Env>, route: Route, bodyLimitBytes: number): Promise<Response> {
  const call: Call = {
    param: (name) => c.req.param(name) ?? "",
    query: (name) => c.req.query(name),
    header: (name) => c.req.header(name),
    body: () => readBody(c.req.raw, bodyLimitBytes),
    signal: c.req.raw.signal,
  };
  const { status, body, headers } = await route.handle(call);
  return c.json(body, status as ContentfulStatusCode, { ...headers });
}

function refuseMethod(c: Context<Env>, path: string, routes: readonly Route[]): Response {
  const methods = routes.filter((route) => route.path === path).map((route) => route.method);
  const allow = methods
    .flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]))
    .join(", ");
  const detail = `${c.req.path} accepts ${allow}, not ${c.req.method}`;
  return problem(c, new HttpError(detail, { code: "METHOD_NOT_ALLOWED", headers: { allow } }));
}

function problem(c: Context<Env>, thrown: unknown): Response {
  const { body, headers } = problemOf(thrown, c.req.path);
  return c.body(JSON.stringify(body), body.status as ContentfulStatusCode, {
    ...headers,
    "content-type": "application/problem+json",
  });
}

function logFailure(log: HttpLog, c: Context<Env>, err: unknown): void {
  const { status, code } = problemOf(err, c.req.path).body;
  if (status === 500) log.error({ ...aboutRequest(c), err }, "request failed");
  else if (status > 500) log.warn({ ...aboutRequest(c), code, err }, "request could not be served");
}

function aboutRequest(c: Context<Env>) {
  return { requestId: c.get("requestId"), method: c.req.method, path: c.req.path };
}
