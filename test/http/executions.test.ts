import { expect, test } from "vitest";
import { NotFoundError } from "../../src/domain/errors.ts";
import type { ExecutionQuery } from "../../src/messages/execution-view.ts";
import { problemIn, testApp } from "./client.ts";

test("executions are listed by status and flow, page by page", async () => {
  const asked: ExecutionQuery[] = [];
  const { get } = testApp({
    executions: async (query) => {
      asked.push(query);
      return { executions: [], cursor: "7" };
    },
  });
  const response = await get("/executions?status=failed&flowId=f-1&cursor=9&limit=2000");
  expect([response.status, await response.json()]).toEqual([200, { executions: [], cursor: "7" }]);
  await get("/executions");
  expect(asked).toEqual([
    { status: "failed", flowId: "f-1", cursor: 9, limit: 500 },
    { limit: 50 },
  ]);
});

test.each(["status=queued", "flowId=a.b", "cursor=0", "limit=many", "limit=1e3", "cursor=-1"])(
  "a list with ?%s is refused",
  async (query) => {
    const response = await testApp().get(`/executions?${query}`);
    const problem = await problemIn(response);
    expect([response.status, problem.errors[0]?.code]).toEqual([400, "E_QUERY"]);
  },
);

test("a cancel tells its reason, if it is given one", async () => {
  const told: unknown[] = [];
  const { app } = testApp({
    cancel: async (...call) => {
      told.push(call);
      return { executionId: call[0], cancelled: true };
    },
  });
  const cancel = (body?: string) =>
    app.request("/executions/e-1/cancel", { method: "POST", ...(body && { body }) });
  const response = await cancel(JSON.stringify({ reason: "ordered twice" }));
  expect([response.status, await response.json()]).toEqual([
    200,
    { executionId: "e-1", cancelled: true },
  ]);
  expect((await cancel()).status).toBe(200);
  expect(told).toEqual([
    ["e-1", "ordered twice"],
    ["e-1", "cancelled over HTTP"],
  ]);
  expect((await cancel("{")).status).toBe(400);
  expect((await cancel('{"reason": 7}')).status).toBe(400);
  expect(told).toHaveLength(2);
});

test("a cancel of what is not there is 404, and of what is no id 400", async () => {
  const { app } = testApp({ cancel: () => Promise.reject(new NotFoundError("none")) });
  const cancel = (id: string) => app.request(`/executions/${id}/cancel`, { method: "POST" });
  expect((await cancel("nobody")).status).toBe(404);
  expect((await cancel("a.b")).status).toBe(400);
});

test("a retry replays the dead letter, and is 404 for what has none", async () => {
  const asked: unknown[] = [];
  const { app } = testApp({
    replayDeadLetters: async (which, dryRun) => {
      asked.push([which, dryRun]);
      const [executionId = ""] = "executionIds" in which ? which.executionIds : [];
      const outcome = executionId === "dead" ? "replayed" : "missing";
      return [{ executionId, flowId: null, lane: null, reason: null, sequence: null, outcome }];
    },
  });
  const retry = (id: string) => app.request(`/executions/${id}/retry`, { method: "POST" });
  const response = await retry("dead");
  expect([response.status, response.headers.get("location")]).toEqual([202, "/executions/dead"]);
  expect(await response.json()).toEqual({ executionId: "dead", status: "accepted" });
  expect(asked).toEqual([[{ executionIds: ["dead"] }, false]]);
  expect((await retry("alive")).status).toBe(404);
  expect((await retry("a.b")).status).toBe(400);
});
