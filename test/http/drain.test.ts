import { expect, test } from "vitest";
import type { DrainRequest } from "../../src/http/port.ts";
import { testApp } from "./client.ts";

function draining() {
  const orders: [string, DrainRequest][] = [];
  const drain = async (id: string, order: DrainRequest) => {
    orders.push([id, order]);
    return id === "w1";
  };
  const { app } = testApp({ drain });
  const post = (path: string, body?: unknown) =>
    app.request(path, {
      method: "POST",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  return { orders, post };
}

test("a worker is drained with what the body says, or without a body", async () => {
  const { orders, post } = draining();
  const path = "/workers/w1/drain";
  expect((await post(path)).status).toBe(202);
  const body = { deadlineMs: 5_000, reason: "its machine goes" };
  expect((await post(path, body)).status).toBe(202);
  expect(orders).toEqual([
    ["w1", {}],
    ["w1", body],
  ]);
});

test("an unknown worker is 404, and what cannot be an order is 400", async () => {
  const { orders, post } = draining();
  expect((await post("/workers/w2/drain")).status).toBe(404);
  expect((await post("/workers/a.b/drain")).status).toBe(400);
  for (const wrong of [{ deadlineMs: -1 }, { deadlineMs: 1e12 }, { reason: 7 }, []])
    expect((await post("/workers/w1/drain", wrong)).status).toBe(400);
  expect(orders.map(([id]) => id)).toEqual(["w2"]);
});
