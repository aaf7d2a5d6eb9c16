import { describe, expect, test } from "vitest";
import { WaitTimeoutError } from "../../src/domain/errors.ts";
import type { ActorQuery } from "../../src/messages/actor-view.ts";
import { actorPort } from "../../src/processes/actor-port.ts";
import { FakeSource, recordOf } from "../support/fake-source.ts";
import { problemIn, testApp } from "./client.ts";

const SOURCE = [
  recordOf({ node: "o-1", at: "2026-01-01T00:00:01.000Z" }),
  recordOf({ node: "o-2", at: "2026-01-01T00:00:02.000Z", state: "critical" }),
];

function appOver(records = SOURCE) {
  const source = new FakeSource(records);
  return { source, ...testApp(actorPort(source)) };
}

test("GET /actors lists what every process tells", async () => {
  const { get } = appOver();
  const body = (await (await get("/actors?machine=worker&limit=1")).json()) as { next?: string };
  expect(body).toMatchObject({
    actors: [{ address: "worker/w-1", node: "o-1", machineId: "worker", state: "healthy" }],
    nodes: [{ node: "o-1" }, { node: "o-2" }],
  });
  expect(body).not.toHaveProperty("actors.0.context");
  const next = await (await get(`/actors?machine=worker&cursor=${body.next}`)).json();
  expect(next).toMatchObject({ actors: [{ node: "o-2" }] });
  expect(next).not.toHaveProperty("next");
});

test.each(["/actors/worker/w-1", "/actors/worker%2Fw-1"])(
  "GET %s: slashes may be raw or encoded",
  async (path) => {
    const response = await appOver().get(path);
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      node: "o-2",
      state: "critical",
      context: { reasons: [] },
      others: [{ node: "o-1", state: "healthy", at: "2026-01-01T00:00:01.000Z" }],
    });
  },
);

test("GET /actors/{address}?node= is as that node sees it", async () => {
  const response = await appOver().get("/actors/worker/w-1?node=o-1");
  expect(await response.json()).toMatchObject({ node: "o-1", state: "healthy" });
});

test("an actor that is not there is a 404 that names what is near", async () => {
  const response = await appOver().get("/actors/worker/w-11");
  expect(response.status).toBe(404);
  expect((await problemIn(response)).detail).toContain("the nearest is worker/w-1");
});

test("who polls does not have every process asked each time", async () => {
  const { get, source } = appOver();
  await Promise.all([get("/actors"), get("/actors/worker/w-1")]);
  await get("/actors?node=o-1");
  expect([source.asked, source.watchers]).toEqual([1, 0]);
});

test("processes that do not tell in time are a 504, and are asked again", async () => {
  let isFirst = true;
  const actors = async (_: ActorQuery) => {
    if (!isFirst) return { actors: [], nodes: [] };
    isFirst = false;
    throw new WaitTimeoutError("the actors could not be asked within 5000 ms");
  };
  const { get } = testApp({ actors });
  expect((await get("/actors")).status).toBe(504);
  expect((await get("/actors")).status).toBe(200);
});

describe("refused:", () => {
  test.each([
    ["/actors?limit=0", "E_QUERY"],
    ["/actors?limit=-1", "E_QUERY"],
    ["/actors?limit=ten", "E_QUERY"],
    ["/actors?cursor=nonsense", "E_QUERY"],
    ["/actors?node=", "E_QUERY"],
    ["/actors?state=%00", "E_QUERY"],
    [`/actors?prefix=${"x".repeat(513)}`, "E_QUERY"],
    ["/actors/worker/w-1?node=%07", "E_QUERY"],
    ["/actors/worker%0Aw-1", "E_ID"],
    [`/actors/${"x".repeat(513)}`, "E_ID"],
  ])("%s", async (path, code) => {
    const response = await appOver().get(path);
    expect([response.status, (await problemIn(response)).errors[0]?.code]).toEqual([400, code]);
  });

  test("a script in an address comes back as text, as JSON", async () => {
    const response = await appOver().get("/actors/%3Cscript%3E");
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect((await problemIn(response)).detail).toContain("<script>");
  });
});
