import { z } from "zod";
import { defineNode, type EffectClass } from "../define-node.ts";
import { permanentError } from "../safe-error.ts";
import { readBody } from "./http-body.ts";
import { requestFailure, statusFailure } from "./http-failure.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const scalar = z.union([z.string(), z.number(), z.boolean()]);

const configSchema = z
  .strictObject({
    method: z.string().toUpperCase().pipe(z.enum(METHODS)).default("GET"),
    url: z.string().refine(isHttpUrl, "must be an http or https URL"),
    query: z.record(z.string(), z.union([scalar, z.null(), z.array(scalar)])).optional(),
    headers: z.record(z.string(), scalar).optional(),
    /** A text is sent as it is, anything else as JSON. */
    body: z.unknown().optional(),
    timeoutMs: z.number().min(1).max(2_147_483_647).optional(),
  })
  .refine((config) => config.body === undefined || !isBodyless(config.method), {
    path: ["body"],
    message: "GET and HEAD send no body",
  });

type HttpConfig = z.output<typeof configSchema>;

/**
 * Sends one request and gives `{status, headers, body}`. A status of 400 or more fails the node.
 * POST and PATCH are unsafe unless they carry an `Idempotency-Key` header.
 */
export const httpRequest = defineNode({
  type: "http-request",
  config: configSchema,
  effects: effectsOf,
  async run({ config, signal, maxOutputBytes, now }) {
    const request = makeRequest(config);
    const call = { request, isUnsafe: effectsOf(config) === "unsafe", now: now() };
    const limit =
      config.timeoutMs === undefined ? undefined : AbortSignal.timeout(config.timeoutMs);
    const stop = limit === undefined ? signal : AbortSignal.any([signal, limit]);
    try {
      const response = await fetch(request, { signal: stop });
      if (response.status >= 400) throw await statusFailure(call, response);
      const body = await readBody(response, maxOutputBytes);
      return { status: response.status, headers: headersOf(response), ...body };
    } catch (thrown) {
      throw requestFailure(call, thrown, limit?.aborted ? config.timeoutMs : undefined);
    }
  },
});

/** Of a config as sent (a method may be a template: then the worst is assumed) or filled in. */
function effectsOf(config: Readonly<Record<string, unknown>>): EffectClass {
  const { method = "GET", headers } = config;
  const name = typeof method === "string" ? method.toUpperCase() : "";
  if (["GET", "HEAD", "PUT", "DELETE", "OPTIONS"].includes(name)) return "idempotent";
  return hasIdempotencyKey(headers) ? "keyed" : "unsafe";
}

function hasIdempotencyKey(headers: unknown): boolean {
  if (typeof headers !== "object" || headers === null) return false;
  return Object.keys(headers).some((name) => name.toLowerCase() === "idempotency-key");
}

/** @throws NodeError CONFIG for header names and values that HTTP does not allow. */
function makeRequest(config: HttpConfig): Request {
  const url = withQuery(config);
  try {
    const headers = new Headers();
    for (const [name, value] of Object.entries(config.headers ?? {})) {
      headers.set(name, String(value));
    }
    moveUserinfo(url, headers);
    const body = bodyText(config.body, headers);
    return new Request(url, { method: config.method, headers, body });
  } catch (thrown) {
    throw notAllowed(thrown);
  }
}

/** Without the original error, which quotes the value, and that may be a secret. */
function notAllowed(thrown: unknown): Error {
  const kind = thrown instanceof Error ? thrown.name : "error";
  return permanentError("CONFIG", `/config/headers: not allowed in HTTP (${kind})`);
}

function withQuery(config: HttpConfig): URL {
  const url = new URL(config.url);
  for (const [name, value] of Object.entries(config.query ?? {})) {
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) if (one !== null) url.searchParams.append(name, String(one));
  }
  return url;
}

/** fetch refuses `user:password@` in a URL; it means basic authentication. */
function moveUserinfo(url: URL, headers: Headers): void {
  if (url.username === "" && url.password === "") return;
  const userinfo = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  headers.set("authorization", `Basic ${Buffer.from(userinfo).toString("base64")}`);
  url.username = "";
  url.password = "";
}

function bodyText(body: unknown, headers: Headers): string | null {
  if (body === undefined) return null;
  if (typeof body === "string") return body;
  if (!headers.has("content-type")) headers.set("content-type", "application/json");
  return JSON.stringify(body);
}

function headersOf(response: Response): Record<string, string | string[]> {
  const headers: [string, string | string[]][] = [...response.headers];
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) headers.push(["set-cookie", cookies]);
  return Object.fromEntries(headers);
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && ["http:", "https:"].includes(new URL(text).protocol);
}

function isBodyless(method: string): boolean {
  return method === "GET" || method === "HEAD";
}
