import { type Context, Hono, type MiddlewareHandler } from "hono";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { NotFoundError } from "../domain/errors.ts";
import { readBody } from "./body.ts";
import type { Call, Route } from "./call.ts";
import type { ExecuteDeps } from "./execute.ts";
import { type HttpExtensions, isAt, type PageRoute } from "./extensions.ts";
import type { HttpLog } from "./port.ts";
import { HttpError, problemOf } from "./problem.ts";
import { sessionRoutes } from "./session-routes.ts";
import { Visitors } from "./visitors.ts";
import { WaitRoom } from "./waiting.ts";

export interface HttpAppOptions {
  /** Undefined: only local clients are served. */
  readonly token: string | undefined;
  readonly bodyLimitBytes: number;
  readonly waitMaxMs: number;
  /** What else is served on the same port. */
  readonly extensions?: HttpExtensions | undefined;
}

type Env = { Variables: { requestId: string; pageHeaders: Readonly<Record<string, string>> } };

/** Makes the routes that are served, with what those need that wait for something. */
export type Served = (deps: Omit<ExecuteDeps, "port">) => readonly Route[];

/** The HTTP API of some routes, without a socket: `app.request()` serves a test, `app.fetch` a server. */
export function createHttpApp(
  served: Served,
  options: HttpAppOptions,
  log: HttpLog,
  waits: WaitRoom = new WaitRoom(),
  visitors: Visitors = new Visitors(options.token),
): Hono<Env> {
  const { extensions } = options;
  const routes = [
    ...served({ waitMaxMs: options.waitMaxMs, waits, log }),
    ...(extensions === undefined ? [] : sessionRoutes(visitors)),
  ];
  const pages = extensions?.pages ?? [];
  const app = new Hono<Env>();
  app.use(requestId(), observe(log, waits), secureHeaders(HEADERS));
  app.use(guard(visitors, routes, pages));
  for (const route of routes) {
    app.on(route.method, route.path, (c) => answer(c, route, options.bodyLimitBytes));
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    app.all(path, (c) => refuseMethod(c, path, routes));
  }
  for (const page of pages) {
    app.get(page.path, (c) => show(c, page, options.bodyLimitBytes));
    app.all(page.path, (c) => refuseMethod(c, page.path, [{ path: page.path, method: "GET" }]));
  }
  for (const { path } of extensions?.upgrades ?? []) app.get(path, (c) => askForUpgrade(c));
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
    // Here and not where the page is answered: the headers of all answers were set after that.
    for (const [name, value] of Object.entries(c.get("pageHeaders") ?? {})) c.header(name, value);
    if (waits.closed) c.header("connection", "close");
    const durationMs = Math.round(performance.now() - startedAt);
    log.debug({ ...aboutRequest(c), status: c.res.status, durationMs }, "request answered");
  };
}

function guard(
  visitors: Visitors,
  routes: readonly Route[],
  pages: readonly PageRoute[],
): MiddlewareHandler<Env> {
  const open = new Set(routes.filter((route) => route.open).map((route) => route.path));
  return async (c, next) => {
    const { path, method } = c.req;
    const host = c.req.header("host") ?? new URL(c.req.url).host;
    const { authorization, origin, cookie } = c.req.header();
    const page = pages.find((each) => isAt(each.path, path));
    const visitor = { method, host, origin, authorization };
    const exempt = visitors.needToken && (open.has(path) || page?.open);
    const reads = method === "GET" || method === "HEAD";
    if (!exempt && page && reads) visitors.checkViewer({ ...visitor, cookie });
    else if (!exempt) visitors.check(visitor);
    await next();
  };
}

async function answer(c: Context<Env>, route: Route, bodyLimitBytes: number): Promise<Response> {
  const { status, body, headers } = await route.handle(callOf(c, bodyLimitBytes));
  if (headers?.["content-type"] !== undefined)
    return c.body(String(body), status as ContentfulStatusCode, { ...headers });
  return c.json(body, status as ContentfulStatusCode, { ...headers });
}

async function show(c: Context<Env>, page: PageRoute, bodyLimitBytes: number): Promise<Response> {
  const { status, body, headers } = await page.handle(callOf(c, bodyLimitBytes));
  c.set("pageHeaders", headers);
  // What has not changed has no body at all, not even an empty one.
  if (status === 304) return c.body(null, status);
  const content = typeof body === "string" ? body : new Uint8Array(body);
  return c.body(content, status as ContentfulStatusCode);
}

function callOf(c: Context<Env>, bodyLimitBytes: number): Call {
  return {
    param: (name) => c.req.param(name) ?? "",
    query: (name) => c.req.query(name),
    header: (name) => c.req.header(name),
    body: () => readBody(c.req.raw, bodyLimitBytes),
    signal: c.req.raw.signal,
  };
}

function askForUpgrade(c: Context<Env>): Response {
  const headers = { upgrade: "websocket", connection: "upgrade" };
  const detail = `${c.req.path} is a WebSocket`;
  return problem(c, new HttpError(detail, { code: "UPGRADE_REQUIRED", headers }));
}

function refuseMethod(
  c: Context<Env>,
  path: string,
  routes: readonly Pick<Route, "path" | "method">[],
): Response {
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
