import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ActorHub } from "../../src/inspect/actor-hub.ts";
import { redactingWriter } from "../../src/inspect/redact.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import type {
  ActorRecord,
  InspectionSink,
  Located,
  MachineDefinition,
} from "../../src/messages/inspection.ts";
import { counterMachine } from "../kernel/support.ts";

beforeEach(() => vi.useFakeTimers({ now: Date.parse("2026-01-01T00:00:00Z") }));
afterEach(() => vi.useRealTimers());

/** A sink that remembers; `isFull` and `isAway` are what the test says. */
class RecordingSink implements InspectionSink {
  readonly live: ActorRecord[] = [];
  readonly puts: ActorRecord[] = [];
  readonly removed: string[] = [];
  readonly machines: MachineDefinition[] = [];
  isFull = false;
  isAway = false;

  publish(_: Located, text: string): boolean {
    if (!this.isFull) this.live.push(JSON.parse(text));
    return !this.isFull;
  }

  async put(_: Located, text: string): Promise<void> {
    if (this.isAway) throw new Error("the bus is away");
    this.puts.push(JSON.parse(text));
  }

  async remove(_: string, address: string): Promise<void> {
    this.removed.push(address);
  }

  async define(machine: MachineDefinition): Promise<void> {
    this.machines.push(machine);
  }
}

function setUp() {
  const kernel = new Kernel();
  const sink = new RecordingSink();
  const faults: string[] = [];
  const hub = new ActorHub({
    node: { node: "n-1", kind: "worker", hostname: "box", pid: 1, version: "0" },
    kernel,
    sink,
    write: redactingWriter(),
    now: Date.now,
    fault: (_, what) => faults.push(what),
  });
  const start = (address: string) =>
    kernel.start({ address, machine: counterMachine, input: { count: 0 } });
  return { kernel, sink, hub, faults, start };
}

const ask = (sync: boolean, forMs = 15_000) => ({ v: 1, watcher: "me", forMs, sync }) as const;

test("while nobody watches nothing is told, and what changed is put at the next look", async () => {
  const { kernel, sink, hub, start } = setUp();
  start("a");
  hub.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(sink.puts.map(({ address, seq }) => [address, seq])).toEqual([["a", 0]]);
  kernel.send("a", { type: "add" });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sink.live).toEqual([]);
  // The counter counts and stays in its state: nothing new for the bucket.
  expect(sink.puts).toHaveLength(1);
  start("b");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sink.puts.map(({ address }) => address)).toEqual(["a", "b"]);
  await vi.advanceTimersByTimeAsync(120_000);
  // Put again before it runs out.
  expect(sink.puts.map(({ address }) => address).sort()).toEqual(["a", "a", "b", "b"]);
});

test("while somebody watches all is told, in order, and then no more", async () => {
  const { kernel, sink, hub, start } = setUp();
  start("a");
  const info = await hub.watch(ask(true));
  expect(info).toMatchObject({ node: "n-1", actors: 1, dropped: 0 });
  expect(sink.puts.map(({ address }) => address)).toEqual(["a"]);
  kernel.send("a", { type: "add" });
  start("b");
  kernel.send("b", { type: "finish" });
  expect(
    sink.live.map(({ kind, address, event, seq }) => [seq, kind, address, event?.type]),
  ).toEqual([
    [1, "transition", "a", "add"],
    [2, "actor", "b", undefined],
    [3, "transition", "b", "xstate.init"],
    [4, "end", "b", "finish"],
  ]);
  expect(sink.live[0]).toMatchObject({ context: { count: 1 }, status: "active", node: "n-1" });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(hub.isWatched).toBe(false);
  kernel.send("a", { type: "add" });
  expect(sink.live).toHaveLength(4);
});

test("of actors that nobody follows only their events and changes of state are told, of the others all", async () => {
  const { kernel, sink, hub, start } = setUp();
  for (const address of ["a", "b"]) start(address);
  await hub.watch({ ...ask(true), follow: ["b"] });
  sink.live.length = 0;
  const told = () =>
    sink.live
      .splice(0)
      .map(({ kind, address, event, context }) => [kind, address, event?.type, context]);
  for (const address of ["a", "b"]) kernel.send(address, { type: "add" });
  expect(told()).toEqual([
    ["transition", "a", "add", undefined],
    ["transition", "b", "add", { count: 1 }],
  ]);
  // Whoever begins to follow one is told at once how it is.
  await hub.watch({ ...ask(false), watcher: "other", follow: ["a"] });
  kernel.send("a", { type: "add" });
  expect(told()).toEqual([
    ["actor", "a", undefined, { count: 1 }],
    ["transition", "a", "add", { count: 2 }],
  ]);
  await hub.watch({ ...ask(false), watcher: "other", follow: [] });
  kernel.send("a", { type: "add" });
  kernel.send("a", { type: "timerBoom" });
  expect(told()).toEqual([
    ["transition", "a", "add", undefined],
    ["transition", "a", "timerBoom", { count: 3 }],
  ]);
});

test("of a burst the contexts are told now and then, and the last one in any case", async () => {
  const { kernel, sink, hub, start } = setUp();
  start("a");
  await hub.watch(ask(true));
  for (let i = 0; i < 50; i += 1) kernel.send("a", { type: "add" });
  expect(sink.live).toHaveLength(50);
  expect(sink.live.filter(({ context }) => context !== undefined)).toHaveLength(3);
  expect(sink.live.every(({ event }) => event?.type === "add")).toBe(true);
  await vi.advanceTimersByTimeAsync(250);
  expect(sink.live.at(-1)).toMatchObject({ kind: "actor", seq: 51, context: { count: 50 } });
  await vi.advanceTimersByTimeAsync(1_000);
  expect(sink.live).toHaveLength(51);
});

test("where all are followed the contexts of so many are told at once, of the others by turns", async () => {
  const { kernel, sink, hub, start } = setUp();
  const addresses = Array.from({ length: 30 }, (_, i) => `a-${i}`);
  for (const address of addresses) start(address);
  await hub.watch(ask(true));
  const full = () => sink.live.splice(0).filter(({ context }) => context !== undefined);
  for (const address of addresses) kernel.send(address, { type: "add" });
  expect(full().map(({ address }) => address)).toEqual(addresses.slice(0, 3));
  await vi.advanceTimersByTimeAsync(250);
  expect(full().map(({ address }) => address)).toEqual(addresses.slice(3, 5));
  // One that somebody looks at does not wait for its turn.
  await hub.watch({ ...ask(false), watcher: "other", follow: ["a-29"] });
  for (const address of addresses) kernel.send(address, { type: "add" });
  expect(full().map(({ address }) => address)).toContain("a-29");
  await vi.advanceTimersByTimeAsync(4_000);
  const last = new Map(full().map(({ address, context }) => [address, context]));
  for (const address of addresses.slice(5, 29)) expect(last.get(address)).toEqual({ count: 2 });
});

test("one who watches for longer is not cut short by another one", async () => {
  const { hub } = setUp();
  await hub.watch(ask(false, 20_000));
  await hub.watch(ask(false, 1_000));
  await vi.advanceTimersByTimeAsync(19_000);
  expect(hub.isWatched).toBe(true);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(hub.isWatched).toBe(false);
});

test("a watch is not for ever, whatever was asked for", async () => {
  const { hub } = setUp();
  await hub.watch(ask(false, 1e12));
  await vi.advanceTimersByTimeAsync(61_000);
  expect(hub.isWatched).toBe(false);
});

test("what the bus does not take is dropped and counted", async () => {
  const { kernel, sink, hub, start } = setUp();
  start("a");
  await hub.watch(ask(true));
  sink.isFull = true;
  kernel.send("a", { type: "add" });
  kernel.send("a", { type: "add" });
  sink.isFull = false;
  kernel.send("a", { type: "add" });
  expect(hub.info().dropped).toBe(2);
  // The gap is seen in the numbers.
  expect(sink.live.map(({ seq }) => seq)).toEqual([3]);
});

test("an actor that is gone is taken out of the bucket, and all are at the end", async () => {
  const { kernel, sink, hub, start } = setUp();
  start("a");
  start("b");
  hub.start();
  kernel.stop("a");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sink.removed).toEqual(["a"]);
  await hub.close();
  expect(sink.removed).toEqual(["a", "b"]);
});

test("what could not be put is put at the next look", async () => {
  const { sink, hub, faults, start } = setUp();
  start("a");
  sink.isAway = true;
  hub.start();
  await vi.advanceTimersByTimeAsync(0);
  expect(faults).toEqual(["an actor could not be put into the bucket"]);
  sink.isAway = false;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(sink.puts.map(({ address }) => address)).toEqual(["a"]);
});

test("a machine is told once, however many actors have it", async () => {
  const { sink, hub, start } = setUp();
  for (let i = 0; i < 50; i += 1) start(`a-${i}`);
  await hub.watch(ask(true));
  expect(sink.machines).toHaveLength(1);
  expect(sink.machines[0]).toMatchObject({ id: counterMachine.id, hash: sink.puts[0]?.machine });
});
