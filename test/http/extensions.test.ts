import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import type { HttpExtensions, Refusal } from "../../src/http/extensions.ts";
import { routesOf } from "../../src/http/routes.ts";
import { type HttpServerOptions, startHttpServer } from "../../src/http/server.ts";
import { Sessions } from "../../src/http/sessions.ts";
import { OPTIONS, problemIn, TOKEN } from "./client.ts";
import { fakePort, memoryLog } from "./fake-port.ts";

const CSP = "default-src 'self'";

/** A server with a page for all, a page for those with a token, and a connection that greets. */
async function start(options: Partial<HttpServerOptions> = {}, more: HttpExtensions = {}) {
  const refusals: Refusal[] = [];
  const taken: { end(): void }[] = [];
  const extensions: HttpExtensions = {
    pages: [
      {
        path: "/inspect",
        open: true,
        handle: () => ({ status: 200, body: "<p>", headers: { "content-security-policy": CSP } }),
      },
      {
        path: "/inspect/machines/:file",
        handle: (call) => ({
          status: 200,
          body: new TextEncoder().encode(call.param("file")),
          headers: { "content-type": "image/svg+xml", "cache-control": "max-age=60" },
        }),
      },
    ],
    upgrades: [
      {
        path: "/inspect/live",
        take: (_request, socket) => {
          taken.push(socket);
          socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\nwelcome");
        },
      },
      {
        path: "/inspect/stately",
        tokenInQuery: true,
        take: (_request, socket) => socket.end("in"),
      },
    ],
    origins: ["https://ops.example.org"],
    refused: (refusal) => refusals.push(refusal),
    close: () => {
      for (const socket of taken) socket.end();
    },
    ...more,
  };
  const { log, lines } = memoryLog();
  const settings = { ...OPTIONS, host: "127.0.0.1", port: 0, extensions, ...options };
  const server = await startHttpServer((deps) => routesOf(fakePort().port, deps), settings, log);
  const { url, port } = server;
  return { url, port, server, refusals, lines, [Symbol.asyncDispose]: () => server.close() };
}

/** Asks for a WebSocket; gives back all that is heard until `until` was or the connection ends. */
function upgrade(
  port: number,
  path: string,
  headers: Record<string, string> = {},
  until = /welcome|\r\n\r\n.*\}$/,
): Promise<string> {
  const all = {
    host: `127.0.0.1:${port}`,
    connection: "Upgrade",
    upgrade: "websocket",
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`);
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(port, "127.0.0.1", () =>
      socket.write([`GET ${path} HTTP/1.1`, ...lines, "", ""].join("\r\n")),
    );
    socket.on("data", (data) => {
      heard += String(data);
      if (until.test(heard)) socket.destroy();
    });
    socket.on("close", () => resolve(heard));
    socket.on("error", () => {});
  });
}

const bearer = { authorization: `Bearer ${TOKEN}` };

describe("a page", () => {
  test("is answered with its own policy and its own cache, and to GET alone", async () => {
    await using running = await start();
    const page = await fetch(`${running.url}/inspect`);
    expect([await page.text(), page.headers.get("content-security-policy")]).toEqual(["<p>", CSP]);
    const svg = await fetch(`${running.url}/inspect/machines/ab.svg`);
    expect([await svg.text(), svg.headers.get("cache-control")]).toEqual(["ab.svg", "max-age=60"]);
    expect(svg.headers.get("content-security-policy")).toContain("default-src 'none'");
    const post = await fetch(`${running.url}/inspect`, { method: "POST" });
    expect([post.status, post.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test("is shown to who has a session where a token is set, and nothing else is", async () => {
    await using running = await start({ token: TOKEN });
    const get = (path: string, headers = {}) => fetch(`${running.url}${path}`, { headers });
    expect((await get("/inspect")).status).toBe(200);
    expect((await get("/inspect/machines/ab.svg")).status).toBe(401);
    expect((await get("/inspect/session")).status).toBe(401);
    const opened = await fetch(`${running.url}/inspect/session`, {
      method: "POST",
      body: new URLSearchParams({ token: TOKEN }),
      redirect: "manual",
    });
    expect([opened.status, opened.headers.get("location")]).toEqual([303, "/inspect"]);
    const set = opened.headers.get("set-cookie") ?? "";
    expect(set).toMatch(/HttpOnly; SameSite=Strict; Path=\/inspect; Max-Age=43200$/);
    expect(set).not.toContain(TOKEN);
    const cookie = { cookie: set.split(";")[0] ?? "" };
    expect((await get("/inspect/machines/ab.svg", cookie)).status).toBe(200);
    expect((await get("/inspect/session", cookie)).status).toBe(200);
    expect(await upgrade(running.port, "/inspect/live", cookie)).toContain("welcome");
    expect((await get("/workers", cookie)).status).toBe(401);
  });

  test("opens no session for a wrong token, and needs none where no token is set", async () => {
    const post = (url: string, init: RequestInit) =>
      fetch(`${url}/inspect/session`, { method: "POST", redirect: "manual", ...init });
    await using guarded = await start({ token: TOKEN });
    const wrong = await post(guarded.url, { body: new URLSearchParams({ token: "no" }) });
    expect([wrong.status, wrong.headers.get("set-cookie")]).toEqual([401, null]);
    expect((await post(guarded.url, {})).status).toBe(401);
    const right = await post(guarded.url, { headers: bearer });
    expect([right.status, await right.json()]).toEqual([200, { needsToken: true }]);
    await using open = await start();
    const none = await post(open.url, {});
    expect([none.status, none.headers.get("set-cookie")]).toEqual([200, null]);
  });
});

test("a session ends after twelve hours, and the oldest makes room for too many", () => {
  let now = 0;
  const sessions = new Sessions(() => now);
  const first = sessions.open(false).split(";")[0];
  expect(sessions.open(true)).toContain("; Secure");
  expect(sessions.holds(`other=1; ${first}`)).toBe(true);
  expect(sessions.holds("batuta_inspect=made-up")).toBe(false);
  now = 12 * 3_600_000;
  expect(sessions.holds(first)).toBe(false);
  const next = sessions.open(false).split(";")[0];
  for (let i = 0; i < 1_000; i++) sessions.open(false);
  expect(sessions.holds(next)).toBe(false);
});

describe("a connection that asks for a WebSocket", () => {
  test("is taken over, from programs, our own pages and those that are named", async () => {
    await using running = await start();
    const own = `http://127.0.0.1:${running.port}`;
    for (const origin of [undefined, own, "https://ops.example.org"]) {
      const headers = origin === undefined ? {} : { origin };
      expect(await upgrade(running.port, "/inspect/live", headers)).toContain("welcome");
    }
    expect(running.refusals).toEqual([]);
  });

  test.each([
    ["a foreign origin", {}, { origin: "https://evil.example" }, "403", "FOREIGN_ORIGIN"],
    ["an opaque origin", {}, { origin: "null" }, "403", "FOREIGN_ORIGIN"],
    ["a host that is not local", {}, { host: "evil.example" }, "403", "FORBIDDEN"],
    ["no token", { token: TOKEN }, {}, "401", "UNAUTHORIZED"],
    [
      "a foreign origin and a token",
      { token: TOKEN },
      { ...bearer, origin: "https://evil.example" },
      "403",
      "FOREIGN_ORIGIN",
    ],
  ])("with %s is refused by HTTP, and told", async (_, options, headers, status, code) => {
    await using running = await start(options);
    const answer = await upgrade(running.port, "/inspect/live", headers);
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(answer).toContain("application/problem+json");
    expect(running.refusals).toMatchObject([{ path: "/inspect/live", code }]);
  });

  test("may show the token in the address where nothing else can be sent, and only there", async () => {
    await using running = await start({ token: TOKEN });
    const at = (path: string) => upgrade(running.port, path);
    expect(await at(`/inspect/stately?token=${TOKEN}`)).toBe("in");
    expect(await at("/inspect/stately?token=wrong")).toMatch(/^HTTP\/1.1 401/);
    expect(await at(`/inspect/live?token=${TOKEN}`)).toMatch(/^HTTP\/1.1 401/);
    expect(JSON.stringify([running.lines, running.refusals])).not.toContain(TOKEN);
  });

  test("is told where there is none, and when there is no room", async () => {
    const busy = [{ path: "/inspect/live", busy: () => "there are 100 viewers", take: () => {} }];
    await using running = await start({}, { upgrades: busy });
    expect(await upgrade(running.port, "/workers")).toMatch(/^HTTP\/1.1 404/);
    const full = await upgrade(running.port, "/inspect/live");
    expect(full).toMatch(/^HTTP\/1.1 503[\s\S]*retry-after: 5[\s\S]*there are 100 viewers/);
  });

  test("is asked for where a plain request comes", async () => {
    await using running = await start();
    const plain = await fetch(`${running.url}/inspect/live`);
    expect([plain.status, plain.headers.get("upgrade")]).toEqual([426, "websocket"]);
    expect((await problemIn(plain)).code).toBe("UPGRADE_REQUIRED");
  });

  test("for HTTP/2 stays a request, its body with it", async () => {
    await using running = await start();
    const json = '{"flowId":1}';
    const answer = await new Promise<string>((resolve) => {
      let heard = "";
      const socket = connect(running.port, "127.0.0.1", () =>
        socket.write(
          `POST /orchestrator/execute HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\nContent-Type: application/json\r\nContent-Length: ${json.length}\r\n\r\n${json}`,
        ),
      );
      socket.on("data", (data) => {
        heard += String(data);
        if (heard.includes("errors")) socket.destroy();
      });
      socket.on("close", () => resolve(heard));
    });
    expect(answer).toMatch(/^HTTP\/1.1 400[\s\S]*\/flowId/);
  });

  test("does not keep the server from closing, whether it ends or not", async () => {
    const deaf: HttpExtensions = { close: () => {} };
    for (const more of [{}, deaf]) {
      const running = await start({ closeGraceMs: 50 }, more);
      const open = upgrade(running.port, "/inspect/live", {}, /never/);
      await upgrade(running.port, "/inspect/live");
      await running.server.close();
      expect(await open).toContain("welcome");
    }
  });
});
