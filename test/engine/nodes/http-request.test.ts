import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { FlowRun } from "../../../src/engine/run-types.ts";
import { codesOf, flowData, HandClock, planOf, runNow } from "../fixtures.ts";

let server: Server;
let base = "";
const requests: {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: string;
}[] = [];

type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const answers: Record<string, Answer> = {
  "/json": (_, response) => json(response, 200, { ok: true }),
  "/text": (_, response) => response.end("plain"),
  "/empty": (_, response) => response.writeHead(204).end(),
  "/bytes": (_, response) =>
    response.writeHead(200, { "content-type": "image/png" }).end(Buffer.from([1, 2, 255])),
  "/liar": (_, response) =>
    response.writeHead(200, { "content-type": "application/json" }).end("{not json"),
  "/cookies": (_, response) => response.writeHead(200, { "set-cookie": ["a=1", "b=2"] }).end("x"),
  "/moved": (_, response) => response.writeHead(302, { location: "/json" }).end(),
  "/never": () => {},
  "/hangup": (request) => request.socket.destroy(),
  "/endless": (_, response) => {
    const write = (): void => {
      while (response.write("x".repeat(65_536)));
    };
    response.on("drain", write);
    write();
  },
  "/busy": (_, response) => response.writeHead(429, { "retry-after": "7" }).end(),
  "/until": (_, response) =>
    response.writeHead(503, { "retry-after": "Tue, 14 Nov 2023 22:14:20 GMT" }).end(),
};

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      requests.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
      const path = url.split("?")[0] ?? "";
      const status = /^\/status\/(\d+)$/.exec(path)?.[1];
      if (status !== undefined) json(response, Number(status), { why: "because" });
      else answers[path]?.(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** An address that nobody listens on any more. */
async function closedAddress(): Promise<string> {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
  const { port } = other.address() as AddressInfo;
  await new Promise((resolve) => other.close(resolve));
  return `http://127.0.0.1:${port}`;
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}

const http = (config: object, more: object = {}) =>
  flowData([{ id: "call", type: "http-request", config, ...more }]);

async function send(config: { url: string; [field: string]: unknown }, run: Partial<FlowRun> = {}) {
  requests.length = 0;
  return runNow(http({ ...config, url: base + config.url }), run);
}

async function errorOf(config: { url: string; [field: string]: unknown }) {
  const outcome = await send(config);
  if (outcome.status !== "failed") throw new Error(JSON.stringify(outcome));
  return outcome.error;
}

test("a GET gives status, headers and the parsed body", async () => {
  const outcome = await send({ url: "/json" });
  expect(outcome).toMatchObject({
    status: "completed",
    output: { status: 200, body: { ok: true }, headers: { "content-type": "application/json" } },
  });
  expect(requests[0]?.method).toBe("GET");
});

test("query, headers and body are sent, filled in from the execution", async () => {
  await send(
    {
      url: "/json?fixed=1",
      method: "post",
      query: { q: "{{ inputs.q }}", ids: [1, 2], none: null, flag: true },
      headers: { "X-Id": "{{ execution.id }}", "x-n": 5 },
      body: { name: "{{ inputs.q }}" },
    },
    { inputs: { q: "a b&c" } },
  );
  expect(requests[0]).toMatchObject({
    method: "POST",
    url: "/json?fixed=1&q=a+b%26c&ids=1&ids=2&flag=true",
    body: '{"name":"a b&c"}',
  });
  expect(requests[0]?.headers).toMatchObject({
    "x-id": "e-1",
    "x-n": "5",
    "content-type": "application/json",
  });
});

test("a text body is sent as it is", async () => {
  await send({
    url: "/text",
    method: "PUT",
    body: "<a/>",
    headers: { "content-type": "text/xml" },
  });
  expect(requests[0]).toMatchObject({ body: "<a/>", headers: { "content-type": "text/xml" } });
});

test.each([
  ["/text", { body: "plain" }],
  ["/empty", { status: 204, body: null }],
  ["/bytes", { body: "AQL/", encoding: "base64" }],
  ["/moved", { status: 200, body: { ok: true } }],
  ["/cookies", { headers: { "set-cookie": ["a=1", "b=2"] } }],
])("the answer of %s is read for what it is", async (url, output) => {
  expect(await send({ url })).toMatchObject({ status: "completed", output });
});

test("a user and password in a URL become basic authentication", async () => {
  requests.length = 0;
  const url = "{{ inputs.url }}";
  await runNow(http({ url }), { inputs: { url: `${base.replace("//", "//me:p%40ss@")}/json` } });
  expect(requests[0]?.headers.authorization).toBe(`Basic ${btoa("me:p@ss")}`);
});

test.each([
  ["GET", 400, false],
  ["GET", 404, false],
  ["GET", 408, true],
  ["GET", 429, true],
  ["GET", 500, true],
  ["GET", 501, false],
  ["GET", 503, true],
  ["POST", 400, false],
  ["POST", 429, true],
  ["POST", 500, false],
  ["POST", 503, true],
])("%s answered with %i fails, retryable: %s", async (method, status, retryable) => {
  expect(await errorOf({ url: `/status/${status}`, method })).toMatchObject({
    code: `HTTP_${status}`,
    retryable,
    nodeId: "call",
    message: expect.stringContaining("because"),
  });
});

test("a POST with an idempotency key may be repeated after any server error", async () => {
  const headers = { "Idempotency-Key": "{{ execution.id }}/call" };
  expect(await errorOf({ url: "/status/500", method: "POST", headers })).toMatchObject({
    retryable: true,
  });
  expect(planOf(http({ url: base, method: "POST", headers })).nodes[0]?.effects).toBe("keyed");
});

test("the server's retry-after is obeyed, as seconds and as a date", async () => {
  expect(await errorOf({ url: "/busy" })).toMatchObject({ code: "HTTP_429", retryAfterMs: 7_000 });
  const clock = new HandClock();
  const outcome = await send({ url: "/until" }, { clock });
  const until = Date.parse("Tue, 14 Nov 2023 22:14:20 GMT");
  expect(outcome).toMatchObject({ error: { retryAfterMs: until - clock.now() } });
});

test("a server that cannot be reached is retryable, even for a POST that was never sent", async () => {
  const closed = `${await closedAddress()}/x?secret=1`;
  for (const method of ["GET", "POST"]) {
    const outcome = await runNow(http({ url: closed, method }));
    expect(outcome).toMatchObject({ error: { code: "NETWORK", retryable: true } });
    expect(JSON.stringify(outcome)).not.toContain("secret");
  }
});

test("a connection lost after sending is retryable for a GET and uncertain for a POST", async () => {
  expect(await errorOf({ url: "/hangup" })).toMatchObject({ code: "NETWORK", retryable: true });
  expect(await errorOf({ url: "/hangup", method: "POST" })).toMatchObject({
    code: "UNCERTAIN",
    retryable: false,
  });
});

test("its own time limit ends a request", async () => {
  expect(await errorOf({ url: "/never", timeoutMs: 20 })).toMatchObject({
    code: "TIMEOUT",
    retryable: true,
  });
  expect(await errorOf({ url: "/never", method: "POST", timeoutMs: 20 })).toMatchObject({
    code: "UNCERTAIN",
    retryable: false,
  });
});

test("a cancelled execution lets go of its request", async () => {
  const controller = new AbortController();
  const arrived = new Promise((resolve) => server.once("request", resolve));
  const outcome = send({ url: "/never" }, { signal: controller.signal });
  await arrived;
  controller.abort("not needed");
  expect(await outcome).toMatchObject({ status: "cancelled", reason: "not needed" });
});

test("a response without end is cut off at the limit", async () => {
  expect(await send({ url: "/endless" }, { maxOutputBytes: 200_000 })).toMatchObject({
    error: { code: "OUTPUT_TOO_LARGE", retryable: false },
  });
});

test("a response that says JSON and is not is an error", async () => {
  expect(await errorOf({ url: "/liar" })).toMatchObject({ code: "BAD_RESPONSE", retryable: false });
});

test("a header that HTTP does not allow is an error that does not quote it", async () => {
  const outcome = await send(
    { url: "/json", headers: { "x-token": "{{ inputs.t }}" } },
    { inputs: { t: "hunter2\r\nX-Injected: 1" } },
  );
  expect(outcome).toMatchObject({ error: { code: "CONFIG", retryable: false } });
  expect(JSON.stringify(outcome)).not.toContain("hunter2");
  expect(requests).toEqual([]);
});

test.each([
  [{ url: "ftp://x.test" }, "/url"],
  [{ url: "not a url" }, "/url"],
  [{ url: "http://x.test", method: "GET", body: 1 }, "/body"],
  [{ url: "http://x.test", method: "TRACE" }, "/method"],
  [{ url: "http://x.test", timeoutMs: 0 }, "/timeoutMs"],
])("a config that cannot work is refused: %j", (config, at) => {
  expect(codesOf(http(config))).toEqual([`E_CONFIG /nodes/0/config${at}`]);
});

test("a port that fetch refuses to use is an error of the config", async () => {
  expect(await runNow(http({ url: "http://127.0.0.1:1/x", method: "POST" }))).toMatchObject({
    error: { code: "CONFIG", retryable: false },
  });
});

test("a URL that only turns out wrong when it runs is an error", async () => {
  const outcome = await runNow(http({ url: "{{ inputs.url }}" }), {
    inputs: { url: "file:///etc" },
  });
  expect(outcome).toMatchObject({ error: { code: "CONFIG", retryable: false } });
});
