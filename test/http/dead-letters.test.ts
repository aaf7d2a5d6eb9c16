import { expect, test } from "vitest";
import type { DeadLetterAction } from "../../src/domain/dead-letter.ts";
import { problemIn, testApp } from "./client.ts";
import { DEAD_LETTER, STORED_LETTER } from "./fake-port.ts";

const ACTION: DeadLetterAction = {
  executionId: "dead-1",
  flowId: null,
  lane: "high",
  reason: "poison",
  sequence: 7,
  outcome: "selected",
};

test("a page of dead letters, and one of them", async () => {
  const { get } = testApp();
  expect(await (await get("/dead-letters")).json()).toEqual({
    deadLetters: [DEAD_LETTER],
    cursor: 7,
  });
  expect(await (await get("/dead-letters/dead-1")).json()).toEqual(STORED_LETTER);
  const missing = await get("/dead-letters/other");
  expect([missing.status, (await problemIn(missing)).code]).toEqual([404, "NOT_FOUND"]);
});

test("filter, cursor and limit of the query reach the port", async () => {
  const asked: unknown[] = [];
  const deadLetters = async (...args: unknown[]) => {
    asked.push(args);
    return { deadLetters: [], cursor: null };
  };
  const { get } = testApp({ deadLetters });
  await get("/dead-letters");
  await get("/dead-letters?lane=low&reason=poison&flowId=f&since=2026-01-01&cursor=7&limit=5");
  expect(asked).toEqual([
    [{}, 0, 50],
    [{ lane: "low", reason: "poison", flowId: "f", since: Date.parse("2026-01-01") }, 7, 5],
  ]);
});

test.each([
  ["lane=fast", "/lane"],
  ["reason=bad", "/reason"],
  ["flowId=a.b", "/flowId"],
  ["since=soon", "/since"],
  ["cursor=-1", "/cursor"],
  ["limit=0", "/limit"],
  ["limit=1001", "/limit"],
  ["limit=1e3", "/limit"],
])("?%s is refused and named", async (query, pointer) => {
  const response = await testApp().get(`/dead-letters?${query}`);
  expect(response.status).toBe(400);
  expect((await problemIn(response)).errors).toMatchObject([{ code: "E_FILTER", pointer }]);
});

/** Posts to one of the actions; `asked` is what reached the port. */
async function post(action: "replay" | "purge", body: unknown) {
  const asked: unknown[] = [];
  const act = async (...args: unknown[]) => {
    asked.push(args);
    return [ACTION];
  };
  const { app } = testApp({ replayDeadLetters: act, purgeDeadLetters: act });
  const response = await app.request(`/dead-letters/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  return { response, asked };
}

test.each([
  [{ executionIds: ["a", "b"] }, { executionIds: ["a", "b"] }, false],
  [{ filter: { lane: "low" }, dryRun: true }, { filter: { lane: "low" } }, true],
  [{ all: true }, { filter: {} }, false],
])("%j selects", async (body, which, dryRun) => {
  for (const action of ["replay", "purge"] as const) {
    const { response, asked } = await post(action, body);
    expect(await response.json()).toEqual({ dryRun, deadLetters: [ACTION] });
    expect(asked).toEqual([[which, dryRun]]);
  }
});

test.each([
  {},
  { dryRun: true },
  { filter: {} },
  { all: true, executionIds: ["a"] },
  { executionIds: ["a"], filter: { lane: "low" } },
])("%j selects nothing, or twice: the answer says how", async (body) => {
  const { response, asked } = await post("replay", body);
  const problem = await problemIn(response);
  expect([response.status, problem.errors[0]?.code]).toEqual([400, "E_SELECTION"]);
  expect(problem.detail).toContain('{"all": true}');
  expect(asked).toEqual([]);
});

test.each([
  { executionIds: [] },
  { executionIds: ["a.b"] },
  { executionIds: "a" },
  { all: false },
  { all: "yes" },
  { filter: { lane: "fast" } },
  { filter: "all" },
  [],
])("%j is refused and nothing is done", async (body) => {
  for (const action of ["replay", "purge"] as const) {
    const { response, asked } = await post(action, body);
    expect([response.status, asked]).toEqual([400, []]);
  }
});
