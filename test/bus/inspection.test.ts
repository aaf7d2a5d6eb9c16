import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { answerWatchers } from "../../src/bus/inspection-answers.ts";
import { BusInspectionSink } from "../../src/bus/inspection-sink.ts";
import { BusInspectionSource } from "../../src/bus/inspection-source.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { ActorHub } from "../../src/inspect/actor-hub.ts";
import { redactor } from "../../src/inspect/redact.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { ActorTable } from "../../src/messages/actor-table.ts";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import { counterMachine } from "../kernel/support.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

async function openBus(prefix: string): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix, name: `test ${prefix}` });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

/** A process with so many actors that can be watched. */
function startNode(bus: Bus, node: string, actors: number) {
  const kernel = new Kernel();
  const sink = new BusInspectionSink(bus);
  const faults: unknown[] = [];
  const hub = new ActorHub({
    node: { node, kind: "worker", hostname: "box", pid: 1, version: "0" },
    kernel,
    sink,
    redact: redactor(),
    now: Date.now,
    fault: (error) => faults.push(error),
  });
  for (let i = 0; i < actors; i += 1)
    kernel.start({ address: `counter/c-${i}`, machine: counterMachine, input: { count: 0 } });
  const stop = answerWatchers(bus, hub, (error) => faults.push(error));
  onTestFinished(() => stop());
  return { kernel, hub, sink, faults, stop };
}

/** A watcher with a table of what it was told, and a way to wait for more of it. */
async function watch(bus: Bus, options = {}) {
  const table = new ActorTable();
  const live: ActorRecord[] = [];
  const gone: string[] = [];
  const listeners = new Set<() => void>();
  const changed = () => {
    for (const listener of listeners) listener();
  };
  const watching = await new BusInspectionSource(bus, options).watch({
    record: (record, isLive) => {
      table.record(record);
      if (isLive) live.push(record);
      changed();
    },
    machine: (machine) => table.machine(machine),
    node: (node) => {
      table.node(node);
      changed();
    },
    nodeGone: (node) => {
      gone.push(node);
      table.nodeGone(node);
      changed();
    },
    gone: (node, address) => {
      gone.push(`${node}/${address}`);
      table.gone(node, address);
      changed();
    },
  });
  onTestFinished(() => watching.stop());
  const until = (holds: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!holds()) return;
        listeners.delete(look);
        resolve();
      };
      listeners.add(look);
      look();
    });
  return { table, live, gone, until, complete: watching.complete, stop: () => watching.stop() };
}

test("one who comes late sees all actors of all processes, each with its machine", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const bus = await openBus(prefix);
  const [first] = [startNode(bus, "n-1", 3), startNode(await openBus(prefix), "n-2", 2)];
  const watcher = await watch(await openBus(prefix));
  await watcher.complete;
  const seen = watcher.table.actors().map(({ node, address }) => `${node}/${address}`);
  expect(seen.sort()).toEqual([
    "n-1/counter/c-0",
    "n-1/counter/c-1",
    "n-1/counter/c-2",
    "n-2/counter/c-0",
    "n-2/counter/c-1",
  ]);
  for (const { machine } of watcher.table.actors())
    expect(watcher.table.machineOf(machine)?.id).toBe(counterMachine.id);
  first.kernel.send("counter/c-1", { type: "add" });
  await watcher.until(() => watcher.live.length === 1);
  expect(watcher.live[0]).toMatchObject({ address: "counter/c-1", context: { count: 1 }, seq: 1 });
});

test("10,000 actors are told completely to one who comes late", async ({ task }) => {
  const prefix = testPrefix(task);
  const { faults } = startNode(await openBus(prefix), "n-1", 10_000);
  const watcher = await watch(await openBus(prefix));
  // The first time all of them are put into the bucket; who comes late finds them there.
  await watcher.complete;
  const startedAt = performance.now();
  const late = await watch(await openBus(prefix));
  await late.complete;
  const tookMs = performance.now() - startedAt;
  expect(late.table.actors()).toHaveLength(10_000);
  expect(faults).toEqual([]);
  process.stderr.write(`10,000 actors were complete after ${Math.round(tookMs)} ms\n`);
});

test("an actor that ends, a process that says goodbye and one that falls silent are told of", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const [polite, silent] = [
    startNode(await openBus(prefix), "polite", 1),
    startNode(await openBus(prefix), "silent", 1),
  ];
  const watcher = await watch(await openBus(prefix), { renewMs: 200 });
  await watcher.complete;
  polite.kernel.send("counter/c-0", { type: "finish" });
  await watcher.until(() => watcher.live.some(({ kind }) => kind === "end"));
  polite.stop();
  await polite.hub.close();
  await watcher.until(() => watcher.gone.includes("polite/counter/c-0"));
  silent.stop();
  await watcher.until(() => watcher.gone.includes("silent"));
  expect(watcher.table.nodes()).toEqual([]);
});

test("a process tells for a while only, when nobody asks it again", async ({ task }) => {
  const prefix = testPrefix(task);
  const { hub } = startNode(await openBus(prefix), "n-1", 1);
  const watcher = await watch(await openBus(prefix), { renewMs: 100 });
  await watcher.complete;
  expect(hub.isWatched).toBe(true);
  watcher.stop();
  await expect.poll(() => hub.isWatched, { timeout: 5_000 }).toBe(false);
});

test("what a dead process left in the bucket is not believed", async ({ task }) => {
  const prefix = testPrefix(task);
  const dead = startNode(await openBus(prefix), "dead", 1);
  await dead.hub.watch({ v: 1, watcher: "x", forMs: 1, sync: true });
  dead.stop();
  startNode(await openBus(prefix), "alive", 1);
  const watcher = await watch(await openBus(prefix));
  await watcher.complete;
  expect(watcher.table.actors().map(({ node }) => node)).toEqual(["alive"]);
  expect(watcher.gone).toContain("dead");
});

test("garbage of strangers is survived", async ({ task }) => {
  const prefix = testPrefix(task);
  const bus = await openBus(prefix);
  const { kernel } = startNode(await openBus(prefix), "n-1", 1);
  const kv = await bus.kvm.open(bus.names.buckets.actors);
  await kv.put("n-1.odd", "{");
  await kv.put("n-1.odder", JSON.stringify({ v: 1, node: 7, tags: "no" }));
  const watcher = await watch(bus);
  await watcher.complete;
  for (const text of ["", "null", "[]", "{", '{"v":1}', '{"v":2,"node":"n-1"}'])
    for (const subject of [bus.names.actor("n-1", "counter.c-0"), bus.names.inspectionWatch])
      bus.nc.publish(subject, text, { reply: bus.names.actor("x", "y") });
  kernel.send("counter/c-0", { type: "add" });
  await watcher.until(() => watcher.live.length === 1);
  expect(watcher.table.actors()).toHaveLength(1);
});
