import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { answerWatchers } from "../../src/bus/inspection-answers.ts";
import { BusInspectionSink } from "../../src/bus/inspection-sink.ts";
import { BusInspectionSource } from "../../src/bus/inspection-source.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { ActorHub } from "../../src/inspect/actor-hub.ts";
import { redactingWriter } from "../../src/inspect/redact.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { ActorTable } from "../../src/messages/actor-table.ts";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import { Inspection } from "../../src/processes/inspection.ts";
import { counterMachine } from "../kernel/support.ts";
import {
  hasPrivateNats,
  startNatsWith,
  startPrivateNats,
  testPrefix,
  useNats,
} from "../support/nats.ts";

const nats = useNats();

async function openBus(prefix: string): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix, name: `test ${prefix}` });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

/** A process with so many actors that can be watched. */
function startNode(bus: Bus, node: string, actors: number, options: { firstSeq?: number } = {}) {
  const kernel = new Kernel();
  const sink = new BusInspectionSink(bus);
  const faults: unknown[] = [];
  const hub = new ActorHub({
    node: { node, kind: "worker", hostname: "box", pid: 1, version: "0" },
    kernel,
    sink,
    write: redactingWriter(),
    now: Date.now,
    fault: (error) => faults.push(error),
    ...options,
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

test("two processes that each have an actor of one address are told apart, also when one of them goes", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const [first, second] = [
    startNode(await openBus(prefix), "n-1", 1),
    startNode(await openBus(prefix), "n-2", 1),
  ];
  const watcher = await watch(await openBus(prefix));
  await watcher.complete;
  first.kernel.send("counter/c-0", { type: "add" });
  await watcher.until(() => watcher.live.length === 1);
  const countOf = (node: string) =>
    watcher.table.actors().find((record) => record.node === node)?.context;
  expect([countOf("n-1"), countOf("n-2")]).toEqual([{ count: 1 }, { count: 0 }]);
  first.stop();
  await first.hub.close();
  await watcher.until(() => watcher.gone.length > 0);
  second.kernel.send("counter/c-0", { type: "add" });
  await watcher.until(() => watcher.live.length === 2);
  expect([countOf("n-1"), countOf("n-2")]).toEqual([undefined, { count: 1 }]);
});

test("a process that is started again under its name is believed from its first record on", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const earlier = startNode(await openBus(prefix), "n-1", 1, { firstSeq: 1_000 });
  const watcher = await watch(await openBus(prefix));
  await watcher.complete;
  for (let i = 0; i < 5; i += 1) earlier.kernel.send("counter/c-0", { type: "add" });
  await watcher.until(() => watcher.live.length === 5);
  earlier.stop();
  const later = startNode(await openBus(prefix), "n-1", 1, { firstSeq: 2_000 });
  await later.hub.watch({ v: 1, watcher: "x", forMs: 60_000, sync: false });
  later.kernel.send("counter/c-0", { type: "add" });
  await watcher.until(() => watcher.live.length === 6);
  expect(watcher.table.actors()).toMatchObject([{ seq: 2_000, context: { count: 1 } }]);
});

test("actors whose addresses are alike for longer than a key can be are two, and each goes by itself", async ({
  task,
}) => {
  const prefix = testPrefix(task);
  const { kernel, hub, stop } = startNode(await openBus(prefix), "n-1", 0);
  const addresses = ["one", "two"].map((end) => `counter/${"x".repeat(300)}${end}`);
  const input = { count: 0 };
  for (const address of addresses) kernel.start({ address, machine: counterMachine, input });
  const watcher = await watch(await openBus(prefix));
  await watcher.complete;
  expect(watcher.table.actors().map(({ address }) => address)).toEqual(addresses);
  stop();
  await hub.close();
  await watcher.until(() => watcher.table.actors().length === 0);
  expect(watcher.gone.slice().sort()).toEqual(addresses.map((address) => `n-1/${address}`));
});

test("a record that the server would refuse for its size is dropped and counted, and the next one is told", async ({
  task,
}) => {
  const url = await startNatsWith("max_payload: 4KB");
  const prefix = testPrefix(task);
  const open = async () => {
    const bus = await connectBus({ url, prefix, name: `test ${prefix}` });
    onTestFinished(() => bus.close());
    return bus;
  };
  await ensureTopology(await open());
  const { kernel, hub } = startNode(await open(), "n-1", 1);
  const watcher = await watch(await open());
  await watcher.complete;
  const fields = Array.from({ length: 20 }, (_, i) => [`note-${i}`, "x".repeat(1_000)]);
  kernel.send("counter/c-0", { ...Object.fromEntries(fields), type: "add" });
  kernel.send("counter/c-0", { type: "add" });
  await watcher.until(() => watcher.live.length === 1);
  expect(watcher.live[0]).toMatchObject({ context: { count: 2 } });
  expect(hub.info().dropped).toBe(1);
});

test.skipIf(!hasPrivateNats())(
  "nats-server killed -9 and started again: who watches, and who comes after, sees all actors",
  async ({ task }) => {
    const server = await startPrivateNats();
    const prefix = testPrefix(task);
    const open = async () => {
      const bus = await connectBus({ url: server.url, prefix, name: `test ${prefix}` });
      onTestFinished(() => bus.close());
      return bus;
    };
    const keeper = await open();
    await ensureTopology(keeper);
    const node = startInspection(await open(), "n-1", 5);
    const watcher = await watch(await open(), { renewMs: 500 });
    await watcher.complete;
    const restarted = new Promise<void>((resolve) => server.onRestart(() => resolve()));
    process.kill(server.pid as number, "SIGKILL");
    await restarted;
    // Which the orchestrator does: the buckets were in memory.
    const isThere = () =>
      ensureTopology(keeper).then(
        () => true,
        () => false,
      );
    await expect.poll(isThere, { timeout: 30_000 }).toBe(true);
    node.kernel.send("counter/c-3", { type: "add" });
    const isSeen = () => watcher.table.actors().some(({ context }) => hasCount(context, 1));
    // What an actor does while nobody can listen is told with its next record.
    while (!isSeen()) {
      await Promise.race([watcher.until(isSeen), pause(200)]);
      if (!isSeen()) node.kernel.send("counter/c-4", { type: "add" });
    }
    await watcher.until(() => watcher.table.actors().length === 5);
    const late = await watch(await open());
    await late.complete;
    await late.until(() => late.table.actors().length === 5);
    for (const { machine } of late.table.actors())
      await expect.poll(() => late.table.machineOf(machine)?.id).toBe(counterMachine.id);
  },
);

function hasCount(context: unknown, count: number): boolean {
  return (context as { readonly count?: number } | undefined)?.count === count;
}

/** As `startNode`, with all that a process does for it. */
function startInspection(bus: Bus, node: string, actors: number) {
  const kernel = new Kernel();
  for (let i = 0; i < actors; i += 1)
    kernel.start({ address: `counter/c-${i}`, machine: counterMachine, input: { count: 0 } });
  const settings = { enabled: true, redact: [] };
  const inspection = new Inspection({
    bus,
    kernel,
    node,
    kind: "worker",
    settings,
    log: { warn: () => {} },
  });
  onTestFinished(() => inspection.close());
  return { kernel };
}
