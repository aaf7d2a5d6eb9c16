import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { findQueued } from "../../src/bus/find-queued.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { WaitTimeoutError } from "../../src/domain/errors.ts";
import type { Lane } from "../../src/domain/lane.ts";
import { DISPATCH_CONSUMER } from "../../src/messages/subjects.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

async function lanes(prefix: string): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix, name: "find queued test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

async function submit(bus: Bus, lane: Lane, body: unknown): Promise<number> {
  const data = typeof body === "string" ? body : JSON.stringify(body);
  return (await bus.js.publish(bus.names.execute(lane), data)).seq;
}

test("a message is found in whichever lane it waits, by its own id and by no part of it", async ({
  task,
}) => {
  const bus = await lanes(testPrefix(task));
  for (let index = 0; index < 100; index += 1) {
    await submit(bus, "normal", { executionId: `e-${index}`, flowId: "f", note: "e-7x" });
  }
  const sequence = await submit(bus, "low", { executionId: "e-700", flowId: "rare" });
  expect(await findQueued(bus, "e-700")).toMatchObject({ lane: "low", sequence, flowId: "rare" });
  expect(await findQueued(bus, "e-0")).toMatchObject({ lane: "normal", sequence: 1 });
  expect(await findQueued(bus, "e-99")).toMatchObject({ lane: "normal", sequence: 100 });
  for (const id of ["e-", "e-7x", "e-100", "note"])
    expect(await findQueued(bus, id)).toBeUndefined();
});

test("a message without an id of its own is found by its place, whatever is in it", async ({
  task,
}) => {
  const bus = await lanes(testPrefix(task));
  const stream = bus.names.streams.flows.high;
  const bodies = [
    "no JSON",
    "null",
    { flowId: "f" },
    { executionId: "a.b" },
    { executionId: "own" },
  ];
  for (const body of bodies) await submit(bus, "high", body);
  const found = await Promise.all(bodies.map((_, at) => findQueued(bus, `${stream}-${at + 1}`)));
  expect(found.map((place) => place?.flowId)).toEqual([null, null, "f", null, undefined]);
});

test("what was acked is not found, and what was delivered still is", async ({ task }) => {
  const bus = await lanes(testPrefix(task));
  for (const executionId of ["acked", "open", "waits"])
    await submit(bus, "normal", { executionId });
  const consumer = await bus.js.consumers.get(bus.names.streams.flows.normal, DISPATCH_CONSUMER);
  await (await consumer.next())?.ackAck();
  await consumer.next();
  expect(await findQueued(bus, "acked")).toBeUndefined();
  expect(await findQueued(bus, "open")).toMatchObject({ sequence: 2 });
  expect(await findQueued(bus, "waits")).toMatchObject({ sequence: 3 });
});

test("a lane too deep to look through is said to be so, unless it is known where to look", async ({
  task,
}) => {
  const bus = await lanes(testPrefix(task));
  for (let index = 0; index < 60; index += 1) {
    await submit(bus, "normal", { executionId: `e-${index}` });
  }
  await expect(findQueued(bus, "nobody", undefined, 20)).rejects.toThrow(WaitTimeoutError);
  const hint = { lane: "normal", sequence: 58, storedAt: 0, flowId: null } as const;
  expect(await findQueued(bus, "e-57", hint, 20)).toMatchObject({ sequence: 58 });
});
