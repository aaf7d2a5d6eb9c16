import { expect, test, vi } from "vitest";
import { LatestStore } from "../../src/inspect/latest-store.ts";
import { StatelyProducer } from "../../src/inspect/stately-producer.ts";
import type { NodeInfo } from "../../src/messages/inspection.ts";
import { MemoryFleet } from "./memory-source.ts";

const ACTOR = {
  type: "@xstate.actor",
  name: "lamp",
  sessionId: "x:0",
  snapshot: { status: "active", value: "off", context: {} },
};

function producerOf(fleet: MemoryFleet) {
  const troubles: string[] = [];
  const producer = new StatelyProducer({
    sink: fleet,
    redact: (value) => value,
    node: "stately-1",
    host: { hostname: "here", version: "0" },
    onTrouble: (reason) => troubles.push(reason),
    storeMs: 1,
  });
  return { producer, troubles };
}

test("an actor that does much is written seldom, as it is then, and never after its removal", async () => {
  const fleet = new MemoryFleet();
  const put = vi.spyOn(fleet, "put");
  const store = new LatestStore(fleet, 1, () => {});
  for (let i = 0; i < 100; i++) store.put(fleet.record({ address: "a", state: `s-${i}` }));
  await vi.waitFor(() => expect(fleet.actors.get("n-1/a")?.state).toBe("s-99"), 8_000);
  expect(put).toHaveBeenCalledTimes(1);
  store.put(fleet.record({ address: "a" }));
  store.remove(fleet.record({ address: "a" }));
  await vi.waitFor(() => expect(fleet.actors.size).toBe(0), 8_000);
  await store.end();
  expect(put).toHaveBeenCalledTimes(1);
});

test("a slow bus gets one write at a time, and what came meanwhile once", async () => {
  const fleet = new MemoryFleet();
  const written: string[] = [];
  let letGo = () => {};
  fleet.put = (_, text) => {
    written.push(JSON.parse(text).state);
    return new Promise((resolve) => {
      letGo = resolve;
    });
  };
  const store = new LatestStore(fleet, 1, () => {});
  store.put(fleet.record({ address: "a", state: "first" }));
  await vi.waitFor(() => expect(written).toEqual(["first"]), 8_000);
  for (const state of ["second", "third"]) store.put(fleet.record({ address: "a", state }));
  letGo();
  await vi.waitFor(() => expect(written).toEqual(["first", "third"]), 8_000);
  letGo();
  await store.end();
});

test("a bus that is away costs a producer what was to be stored, and no more", async () => {
  const fleet = new MemoryFleet();
  fleet.put = () => Promise.reject(new Error("the bus is away"));
  fleet.define = () => Promise.reject(new Error("the bus is away"));
  const remove = vi.spyOn(fleet, "remove").mockRejectedValue(new Error("the bus is away"));
  const { producer, troubles } = producerOf(fleet);
  for (const sessionId of ["x:0", "x:1"]) producer.take(JSON.stringify({ ...ACTOR, sessionId }));
  await vi.waitFor(() => expect(troubles).toHaveLength(3), 8_000);
  await producer.end();
  expect(remove).toHaveBeenCalledTimes(1);
  expect(new Set(troubles)).toEqual(new Set(["the actors of a producer cannot be stored"]));
  expect(fleet.published.map(({ kind }) => kind)).toEqual(["actor", "actor", "end", "end"]);
});

test("a producer is answered for as a foreign node while it is there", async () => {
  const fleet = new MemoryFleet();
  const answered: (() => NodeInfo)[] = [];
  const stop = vi.fn();
  const answerFor = (node: () => NodeInfo) => {
    answered.push(node);
    return stop;
  };
  const { producer } = producerOf(Object.assign(fleet, { answerFor }));
  producer.take(JSON.stringify(ACTOR));
  expect(answered[0]?.()).toMatchObject({
    node: "stately-1",
    kind: "foreign",
    actors: 1,
    dropped: 0,
  });
  await producer.end();
  expect(stop).toHaveBeenCalledTimes(1);
});
