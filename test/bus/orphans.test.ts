import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { findOrphans, putBack, removeOrphan } from "../../src/bus/orphans.ts";
import { publishStored } from "../../src/bus/publish.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { testPrefix, useNats } from "../support/nats.ts";
import { makeOrphans } from "../support/orphans.ts";

const nats = useNats();

async function laneOf(prefix: string): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix, name: "orphans test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus, { ackWaitMs: 500 });
  return bus;
}

async function submit(bus: Bus, body: string, headers: [string, string][] = []): Promise<number> {
  return (await publishStored(bus, bus.names.execute("normal"), body, headers)).seq;
}

async function storedHeaders(bus: Bus, seq: number): Promise<Record<string, string>> {
  const stored = await bus.jsm.streams.getMessage(bus.names.streams.flows.normal, { seq });
  const header = stored?.header;
  return Object.fromEntries((header?.keys() ?? []).map((name) => [name, header?.get(name) ?? ""]));
}

test("what waits, or was delivered and may come again, is no orphan", async ({ task }) => {
  const bus = await laneOf(testPrefix(task));
  for (const body of ["one", "two", "three"]) await submit(bus, body);
  expect(await findOrphans(bus, "normal", 10)).toEqual([]);
  const consumer = await bus.js.consumers.get(bus.names.streams.flows.normal, "dispatch");
  const first = await consumer.next();
  const second = await consumer.next();
  await first?.ackAck();
  expect(await findOrphans(bus, "normal", 10)).toEqual([]);
  await second?.ackAck();
  await (await consumer.next())?.ackAck();
  expect(await findOrphans(bus, "normal", 10)).toEqual([]);
});

test("an orphan is found, and put back it is delivered with its body, headers and a counted id", async ({
  task,
}) => {
  const bus = await laneOf(testPrefix(task));
  const body = JSON.stringify({ flowId: "f", executionId: "job", n: 1 });
  const seq = await submit(bus, body, [
    ["Nats-Msg-Id", "job"],
    ["traceparent", "00-ab-cd-01"],
  ]);
  await makeOrphans(bus, "normal", 1);
  const [orphan] = await findOrphans(bus, "normal", 10);
  expect(orphan).toMatchObject({ lane: "normal", sequence: seq, executionId: "job" });
  if (orphan === undefined) return;
  expect(await putBack(bus, orphan)).toBe(true);
  expect(await findOrphans(bus, "normal", 10)).toEqual([]);
  expect(await storedHeaders(bus, seq + 1)).toEqual({
    "Nats-Msg-Id": "job-r1",
    "Batuta-Put-Back": "1",
    traceparent: "00-ab-cd-01",
  });
  const consumer = await bus.js.consumers.get(bus.names.streams.flows.normal, "dispatch");
  const again = await consumer.next();
  expect(again?.string()).toBe(body);
  expect(again?.seq).toBe(seq + 1);
});

test("one that has no executionId keeps the name that its place gave it", async ({ task }) => {
  const bus = await laneOf(testPrefix(task));
  const stream = bus.names.streams.flows.normal;
  const seq = await submit(bus, JSON.stringify({ flowId: "f" }));
  await makeOrphans(bus, "normal", 1);
  const [orphan] = await findOrphans(bus, "normal", 10);
  if (orphan !== undefined) await putBack(bus, orphan);
  const stored = await bus.jsm.streams.getMessage(stream, { seq: seq + 1 });
  expect(stored?.json()).toEqual({ flowId: "f", executionId: `${stream}-${seq}` });
  expect(stored?.header.get("Nats-Msg-Id")).toBe(`${stream}-${seq}-r1`);
});

test("an orphan stays while the stream takes its new message for a duplicate", async ({ task }) => {
  const bus = await laneOf(testPrefix(task));
  await submit(bus, JSON.stringify({ flowId: "f", executionId: "job" }));
  await makeOrphans(bus, "normal", 1);
  await submit(bus, "somebody else's", [["Nats-Msg-Id", `${bus.names.streams.flows.normal}-1-r1`]]);
  await makeOrphans(bus, "normal", 1);
  const [orphan, other] = await findOrphans(bus, "normal", 10);
  if (orphan === undefined || other === undefined) throw new Error("two orphans were made");
  expect(await putBack(bus, orphan)).toBe(false);
  expect(await removeOrphan(bus, other)).toBe(true);
  expect(await removeOrphan(bus, other)).toBe(false);
  expect((await findOrphans(bus, "normal", 10)).map(({ sequence }) => sequence)).toEqual([1]);
});
