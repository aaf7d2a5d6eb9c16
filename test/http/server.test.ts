import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect, createServer, type Server } from "node:net";
import { expect, test, vi } from "vitest";
import { ConfigError } from "../../src/domain/errors.ts";
import type { OrchestratorPort } from "../../src/http/port.ts";
import { routesOf } from "../../src/http/routes.ts";
import { type HttpServerOptions, startHttpServer } from "../../src/http/server.ts";
import { OPTIONS, problemIn, TOKEN } from "./client.ts";
import { FLOW, fakePort, memoryLog } from "./fake-port.ts";

async function start(
  overrides: Partial<OrchestratorPort> = {},
  options: Partial<HttpServerOptions> = {},
) {
  const { port, submitted } = fakePort(overrides);
  const { log, lines } = memoryLog();
  const settings = { ...OPTIONS, host: "127.0.0.1", port: 0, ...options };
  const server = await startHttpServer((deps) => routesOf(port, deps), settings, log);
  return { server, submitted, lines, [Symbol.asyncDispose]: () => server.close() };
}

const untouched = { Request: globalThis.Request, Response: globalThis.Response };

const JSON_HEADERS = { "content-type": "application/json" };

function postTo(url: string, init: RequestInit = {}, query = ""): Promise<Response> {
  const body = JSON.stringify(FLOW);
  const all = { method: "POST", headers: JSON_HEADERS, body, ...init };
  return fetch(`${url}/orchestrator/execute${query}`, all);
}

/** Sends `text` as it is and gives back all that comes until the server ends the connection. */
function converse(port: number, text: string): Promise<string> {
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    socket.on("data", (data) => {
      heard += String(data);
    });
    socket.on("close", () => resolve(heard));
    socket.on("error", () => {});
  });
}

/** One request over a connection that is kept alive; gives back the local port it went out from. */
function getKeptAlive(agent: Agent, port: number): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ agent, port, host: "127.0.0.1", path: "/livez" }, (response) => {
      const from = response.socket.localPort;
      response.resume().on("end", () => resolve(from));
    });
    sent.on("error", reject).end();
  });
}

test("an execution posted over a socket is accepted", async () => {
  await using running = await start();
  expect(running.server.url).toBe(`http://127.0.0.1:${running.server.port}`);
  const response = await postTo(running.server.url);
  expect([response.status, response.headers.get("location")]).toEqual([
    202,
    "/executions/exec-456",
  ]);
  expect(running.submitted).toHaveLength(1);
  expect(running.lines).toContainEqual({
    level: "info",
    message: "HTTP API listening",
    fields: { url: running.server.url },
  });
});

test("a body over the limit is refused, whether its length is told or not", async () => {
  await using running = await start();
  const told = await postTo(running.server.url, { body: new Uint8Array(2_000_000) });
  expect([told.status, told.headers.get("connection")]).toEqual([413, "close"]);
  const chunks = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
  });
  const init = { body: chunks, duplex: "half" } as RequestInit;
  const untold = await postTo(running.server.url, init);
  expect((await problemIn(untold)).code).toBe("TOO_LARGE");
  expect(running.submitted).toEqual([]);
});

test("a client that breaks off its body leaves no error behind", async () => {
  await using running = await start();
  const head =
    "POST /orchestrator/execute HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
  const socket = connect(running.server.port, "127.0.0.1");
  socket.write(`${head}Content-Length: 1000\r\n\r\n{"flowId":`, () =>
    setTimeout(() => socket.destroy(), 20),
  );
  await vi.waitFor(() => {
    expect(running.lines.map(({ message }) => message)).toContain("request answered");
  }, 8_000);
  expect(running.lines.filter(({ level }) => level === "error")).toEqual([]);
});

test("a request with a broken Host is a problem too", async () => {
  await using running = await start();
  const answer = await converse(
    running.server.port,
    "GET /livez HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
  );
  expect(answer).toMatch(/^HTTP\/1\.1 400/);
  expect(answer).toContain("application/problem+json");
});

test("a client that stops waiting ends the waiting of the port", async () => {
  let given: AbortSignal | undefined;
  const waitForResult: OrchestratorPort["waitForResult"] = (_id, _timeoutMs, signal) => {
    given = signal;
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(undefined)));
  };
  await using running = await start({ waitForResult });
  const client = new AbortController();
  const waiting = postTo(running.server.url, { signal: client.signal }, "?wait=60s");
  waiting.catch(() => {});
  await vi.waitFor(() => expect(given).toBeDefined(), 8_000);
  expect(given?.aborted).toBe(false);
  client.abort();
  await expect(waiting).rejects.toThrow(/abort/);
  await vi.waitFor(() => expect(given?.aborted).toBe(true), 8_000);
});

test("closing answers those who wait with 202, at once", async () => {
  const running = await start();
  const waiting = postTo(running.server.url, {}, "?wait=60s");
  await vi.waitFor(() => expect(running.submitted).toHaveLength(1), 8_000);
  const startedAt = performance.now();
  await running.server.close();
  const response = await waiting;
  expect([response.status, response.headers.get("connection")]).toEqual([202, "close"]);
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test("closing lets answers under way end", async () => {
  let release: (views: []) => void = () => {};
  const workers = vi.fn(() => new Promise<[]>((resolve) => (release = resolve)));
  const running = await start({ workers });
  const answered = fetch(`${running.server.url}/workers`);
  await vi.waitFor(() => expect(workers).toHaveBeenCalled(), 8_000);
  const closed = running.server.close();
  release([]);
  const response = await answered;
  expect([response.status, await response.json()]).toEqual([200, { workers: [] }]);
  await closed;
});

test("closing ends answers that never would", async () => {
  const queues = vi.fn(() => new Promise<[]>(() => {}));
  const running = await start({ queues }, { closeGraceMs: 50 });
  const cut = fetch(`${running.server.url}/queues`);
  cut.catch(() => {});
  await vi.waitFor(() => expect(queues).toHaveBeenCalled(), 8_000);
  await running.server.close();
  await expect(cut).rejects.toThrow();
});

test("closing ends connections that are kept alive and takes no new ones", async () => {
  const running = await start();
  const agent = new Agent({ keepAlive: true });
  const { port } = running.server;
  const from = await getKeptAlive(agent, port);
  expect(await getKeptAlive(agent, port)).toBe(from);
  const startedAt = performance.now();
  await running.server.close();
  await running.server.close();
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  await expect(getKeptAlive(agent, port)).rejects.toThrow(/ECONNREFUSED|hang up|ECONNRESET/);
  agent.destroy();
});

test("closing does not wait for a connection that never sent a request", async () => {
  const running = await start();
  const silent = connect(running.server.port, "127.0.0.1");
  await once(silent, "connect");
  const startedAt = performance.now();
  await running.server.close();
  expect(performance.now() - startedAt).toBeLessThan(3_000);
});

test("a port that is in use is told by its number and its variable", async () => {
  const taken = await occupy();
  const { port } = taken.address() as { port: number };
  const starting = start({}, { port });
  await expect(starting).rejects.toThrow(ConfigError);
  await expect(starting).rejects.toThrow(
    `port ${port} of 127.0.0.1 is in use: set BATUTA_HTTP_PORT to another port (0 takes any free one)`,
  );
  await new Promise((resolve) => taken.close(resolve));
});

test.each(["192.0.2.1", "no-such-host.invalid"])(
  "the host %s is told by its variable",
  async (host) => {
    await expect(start({}, { host, token: TOKEN })).rejects.toThrow("BATUTA_HTTP_HOST");
  },
);

test.each(["0.0.0.0", "::", "192.0.2.1"])("%s is not served without a token", async (host) => {
  const starting = start({}, { host });
  await expect(starting).rejects.toThrow(ConfigError);
  await expect(starting).rejects.toThrow("set BATUTA_HTTP_TOKEN");
});

test("with a token every address may be served", async () => {
  await using running = await start({}, { host: "0.0.0.0", token: TOKEN });
  expect(running.server.url).toBe(`http://localhost:${running.server.port}`);
  const url = `http://127.0.0.1:${running.server.port}/workers`;
  expect((await fetch(url)).status).toBe(401);
  const headers = { authorization: `Bearer ${TOKEN}` };
  expect((await fetch(url, { headers })).status).toBe(200);
});

test("serving leaves the Request and Response of the process alone", async () => {
  await using _running = await start();
  expect(globalThis.Request).toBe(untouched.Request);
  expect(globalThis.Response).toBe(untouched.Response);
});

function occupy(): Promise<Server> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => resolve(server));
  });
}
