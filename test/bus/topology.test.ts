import { RetentionPolicy, StorageType } from "@nats-io/jetstream";
import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { ensureTopology, wantedStreams } from "../../src/bus/topology.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

async function busFor(prefix: string): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix, name: "topology test" });
  onTestFinished(() => bus.close());
  return bus;
}

test("every stream of the contract is made, with its consumers and buckets", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  await ensureTopology(bus);
  for (const wanted of wantedStreams(bus.names)) {
    const { config } = await bus.jsm.streams.info(wanted.name);
    expect(config.subjects, wanted.name).toEqual(wanted.subjects);
    expect(config.retention, wanted.name).toBe(wanted.retention);
  }
  const lane = bus.names.streams.flows.high;
  const { config } = await bus.jsm.consumers.info(lane, "dispatch");
  expect(config).toMatchObject({ max_deliver: -1, ack_policy: "explicit" });
  const heartbeats = await bus.jsm.streams.info(bus.names.streams.heartbeats);
  expect(heartbeats.config.storage).toBe(StorageType.Memory);
});

test("making it again changes nothing, also from many processes at once", async ({ task }) => {
  const prefix = testPrefix(task);
  const buses = await Promise.all([busFor(prefix), busFor(prefix), busFor(prefix)]);
  await Promise.all(buses.map((bus) => ensureTopology(bus)));
  const bus = buses[0] as Bus;
  await bus.js.publish(bus.names.execute("low"), "kept");
  const before = await bus.jsm.streams.info(bus.names.streams.flows.low);
  await ensureTopology(bus);
  const after = await bus.jsm.streams.info(bus.names.streams.flows.low);
  expect(after.config).toEqual(before.config);
  expect(after.state.messages).toBe(1);
});

test("what an operator has enlarged stays, and what is too small grows", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const results = bus.names.streams.results;
  await bus.jsm.streams.add({
    name: results,
    subjects: [bus.names.result("*")],
    retention: RetentionPolicy.Limits,
    max_age: 3 * 86_400 * 1e9,
    max_msgs: 10,
    max_msgs_per_subject: 1,
  });
  await ensureTopology(bus);
  const { config } = await bus.jsm.streams.info(results);
  expect(config.max_age).toBe(3 * 86_400 * 1e9);
  expect(config.max_msgs).toBe(1_000_000);
});

test("every name carries the prefix, so that two Batutas share a server", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  await ensureTopology(bus);
  const { prefix } = bus.names;
  expect(bus.names.execute("high")).toBe(`${prefix}.flows.execute.high`);
  for (const { name } of wantedStreams(bus.names)) expect(name.startsWith(`${prefix}_`)).toBe(true);
});
