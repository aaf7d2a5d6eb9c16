import { describe, expect, test } from "vitest";
import { UnreachableError } from "../../src/domain/errors.ts";
import { problemIn, testApp } from "./client.ts";
import { HEALTH, QUEUE, RESULT, WORKER } from "./fake-port.ts";

test.each([
  ["/orchestrator/health", HEALTH],
  ["/livez", { status: "alive" }],
  ["/readyz", { ready: true, reasons: [] }],
  ["/workers", { workers: [WORKER] }],
  ["/workers/w1", WORKER],
  ["/queues", { queues: [QUEUE] }],
  ["/executions/exec-456", RESULT],
])("GET %s", async (path, body) => {
  const response = await testApp().get(path);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual(body);
});

test("health is 503 when critical, with the same body; degraded is still 200", async () => {
  const critical = { ...HEALTH, status: "critical" } as const;
  const response = await testApp({ health: async () => critical }).get("/orchestrator/health");
  expect([response.status, await response.json()]).toEqual([503, critical]);
  const degraded = { ...HEALTH, status: "degraded" } as const;
  const other = await testApp({ health: async () => degraded }).get("/orchestrator/health");
  expect(other.status).toBe(200);
});

test("readiness is 503 with its reasons while draining; liveness is not touched by it", async () => {
  const readiness = { ready: false, reasons: ["draining"] };
  const { get } = testApp({ ready: async () => readiness });
  const response = await get("/readyz");
  expect([response.status, await response.json()]).toEqual([503, readiness]);
  expect((await get("/livez")).status).toBe(200);
});

test("a port that cannot answer is a problem, not an empty list", async () => {
  const workers = () => Promise.reject(new UnreachableError("no NATS server answers"));
  const response = await testApp({ workers }).get("/workers");
  expect([response.status, (await problemIn(response)).code]).toEqual([503, "UNREACHABLE"]);
});

test.each(["/workers/nobody", "/executions/none"])("GET %s is 404", async (path) => {
  const response = await testApp().get(path);
  expect([response.status, (await problemIn(response)).code]).toEqual([404, "NOT_FOUND"]);
});

test.each([
  "/workers/a.b",
  "/workers/%3E",
  "/workers/%2e%2e%2fetc",
  "/executions/*",
  "/workers/%zz",
])("GET %s is refused: no id looks like that", async (path) => {
  const response = await testApp().get(path);
  expect([response.status, (await problemIn(response)).errors[0]?.code]).toEqual([400, "E_ID"]);
});

test.each(["/", "/nowhere", "/workers/", "/Workers", "/orchestrator", "/workers/w1/x"])(
  "GET %s is a 404 problem",
  async (path) => {
    const response = await testApp().get(path);
    expect(await problemIn(response)).toMatchObject({ status: 404, code: "NOT_FOUND", errors: [] });
  },
);

test.each([
  ["GET", "/orchestrator/execute", "POST"],
  ["DELETE", "/workers/w1", "GET, HEAD"],
  ["POST", "/orchestrator/health", "GET, HEAD"],
  ["PATCH", "/queues", "GET, HEAD"],
  ["OPTIONS", "/orchestrator/execute", "POST"],
])("%s %s is 405 and tells what is allowed", async (method, path, allow) => {
  const response = await testApp().app.request(path, { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, allow]);
  expect((await problemIn(response)).code).toBe("METHOD_NOT_ALLOWED");
});

test("HEAD is GET without the body", async () => {
  const response = await testApp().app.request("/orchestrator/health", { method: "HEAD" });
  expect([response.status, await response.text()]).toEqual([200, ""]);
});

describe("every answer", () => {
  test.each(["/livez", "/nowhere", "/workers/nobody"])(
    "of %s carries secure headers",
    async (path) => {
      const { headers } = await testApp().get(path);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("content-security-policy")).toBe(
        "default-src 'none'; frame-ancestors 'none'",
      );
      expect(headers.get("x-frame-options")).toBe("DENY");
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("access-control-allow-origin")).toBeNull();
    },
  );

  test("carries the id of its request, that of the client if it sent one", async () => {
    const { get } = testApp();
    expect((await get("/livez")).headers.get("x-request-id")).toMatch(/^[\w-]{36}$/);
    const { headers } = await get("/livez", { "x-request-id": "from-client" });
    expect(headers.get("x-request-id")).toBe("from-client");
  });
});
