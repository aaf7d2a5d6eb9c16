import { expect, test } from "vitest";
import { InvalidInputError, UnreachableError } from "../../src/domain/errors.ts";
import type { ScalingRequest } from "../../src/messages/scaling.ts";
import { testApp } from "./client.ts";
import { SCALING } from "./fake-port.ts";

function scaled(answer: () => Promise<typeof SCALING> = async () => SCALING) {
  const changes: (ScalingRequest | undefined)[] = [];
  const scaling = (change?: ScalingRequest) => {
    changes.push(change);
    return answer();
  };
  const { app } = testApp({ scaling });
  const put = (body: unknown) =>
    app.request("/scaling", { method: "PUT", body: JSON.stringify(body) });
  return { app, changes, put };
}

test("GET /scaling has the number that KEDA reads", async () => {
  const { app, changes } = scaled();
  const reply = await app.request("/scaling");
  expect(reply.status).toBe(200);
  expect(await reply.json()).toMatchObject({ desiredWorkers: 4 });
  expect(changes).toEqual([undefined]);
});

test("PUT /scaling hands on what is to change, and answers how it stands", async () => {
  const { changes, put } = scaled();
  const change = { mode: "fixed", workers: 8, maxWorkers: null, reason: "noon" };
  const reply = await put(change);
  expect(reply.status).toBe(200);
  expect(await reply.json()).toEqual(SCALING);
  expect(changes).toEqual([change]);
});

test("what cannot be wanted is 400, and every field at fault is named", async () => {
  const { changes, put } = scaled();
  const wrong = await put({ mode: "sideways", workers: -1, minWorkers: 1.5 });
  expect(wrong.status).toBe(400);
  const { errors } = (await wrong.json()) as { errors: { pointer: string }[] };
  const pointers = new Set(errors.map(({ pointer }) => pointer));
  expect([...pointers].sort()).toEqual(["/minWorkers", "/mode", "/workers"]);
  expect((await put("three")).status).toBe(400);
  expect(changes).toEqual([]);
});

test("what the leader refuses is 400, and no leader is 503", async () => {
  const problems = [{ code: "E_SCALING", pointer: "/workers", detail: "too many" }];
  const refused = scaled(async () => {
    throw new InvalidInputError("too many", { problems });
  });
  const reply = await refused.put({ workers: 99 });
  expect(reply.status).toBe(400);
  expect(await reply.json()).toMatchObject({ errors: [{ pointer: "/workers" }] });
  const alone = scaled(async () => {
    throw new UnreachableError("no orchestrator leads now");
  });
  expect((await alone.app.request("/scaling")).status).toBe(503);
});
