import { describe, expect, test } from "vitest";
import { isLoopbackHost } from "../../src/http/guards.ts";
import { problemIn, TOKEN, testApp } from "./client.ts";
import { FLOW } from "./fake-port.ts";

describe("with a token", () => {
  const withToken = () => testApp({}, { token: TOKEN });

  test("the right one is let in, from any host", async () => {
    const authorization = `Bearer ${TOKEN}`;
    const { get, post } = withToken();
    expect((await get("/workers", { authorization, host: "batuta.example.com" })).status).toBe(200);
    expect((await get("/workers", { authorization: `bearer ${TOKEN}` })).status).toBe(200);
    expect((await post(FLOW, { authorization, origin: "https://ui.example.com" })).status).toBe(
      202,
    );
  });

  test.each([
    undefined,
    "",
    "Bearer",
    "Bearer wrong",
    `Bearer ${TOKEN}x`,
    `Bearer ${TOKEN.slice(0, -1)}`,
    `Basic ${TOKEN}`,
    TOKEN,
    `Bearer ${TOKEN} ${TOKEN}`,
  ])("%j is refused", async (authorization) => {
    const headers = authorization === undefined ? {} : { authorization };
    const response = await withToken().get("/orchestrator/health", headers);
    expect(response.status).toBe(401);
    expect(response.headers.get("www-authenticate")).toBe('Bearer realm="batuta"');
    expect((await problemIn(response)).code).toBe("UNAUTHORIZED");
  });

  test("nothing is published for those who have none", async () => {
    const { post, submitted } = withToken();
    expect((await post(FLOW)).status).toBe(401);
    expect(submitted).toEqual([]);
  });

  test.each(["/livez", "/readyz"])("%s is open to probes", async (path) => {
    expect((await withToken().get(path, { host: "10.0.0.7:3000" })).status).toBe(200);
  });

  test.each(["/nowhere", "/livez/", "//livez", "/livez/..%2fworkers"])(
    "%s tells nothing to those who have none",
    async (path) => {
      expect((await withToken().get(path)).status).toBe(401);
    },
  );
});

describe("without a token", () => {
  test.each([
    "localhost",
    "localhost:3000",
    "127.0.0.1:3000",
    "127.8.8.8",
    "[::1]:3000",
    "LOCALHOST",
  ])("the host %s is served", async (host) => {
    expect((await testApp().get("/workers", { host })).status).toBe(200);
  });

  test.each([
    "evil.example.com",
    "evil.example.com:3000",
    "localhost.evil.com",
    "127.0.0.1.evil.com",
    "192.168.0.7:3000",
    "[::2]:3000",
    "",
  ])("the host %j is refused: DNS rebinding ends here", async (host) => {
    const { app, submitted } = testApp();
    const headers = { host, "content-type": "application/json" };
    const body = JSON.stringify(FLOW);
    const response = await app.request("/orchestrator/execute", { method: "POST", headers, body });
    expect([response.status, (await problemIn(response)).code]).toEqual([403, "FORBIDDEN"]);
    expect(submitted).toEqual([]);
  });

  test.each(["https://evil.example.com", "null", "http://localhost:5173", "http://127.0.0.1:3000"])(
    "a page of %s may not post",
    async (origin) => {
      const { post, submitted } = testApp();
      expect((await post(FLOW, { origin, host: "localhost:3000" })).status).toBe(403);
      expect(submitted).toEqual([]);
    },
  );

  test("a page of our own may post", async () => {
    const { post } = testApp();
    const origin = "http://localhost:3000";
    expect((await post(FLOW, { origin, host: "localhost:3000" })).status).toBe(202);
  });
});

test.each([
  ["127.0.0.1", true],
  ["127.1.2.3", true],
  ["::1", true],
  ["::ffff:127.0.0.1", true],
  ["localhost", true],
  ["0.0.0.0", false],
  ["::", false],
  ["192.168.1.2", false],
  ["127.evil.com", false],
  ["example.com", false],
  ["", false],
])("loopback: %s is %s", (host, loopback) => {
  expect(isLoopbackHost(host)).toBe(loopback);
});
