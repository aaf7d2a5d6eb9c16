import { expect, test } from "vitest";
import { Kernel } from "../../src/kernel/kernel.ts";
import type { InspectionRecord } from "../../src/kernel/reports.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import { counterMachine } from "./support.ts";

function setUp() {
  const clock = new VirtualClock();
  const kernel = new Kernel({ clock, restarts: { intensity: 1 } });
  const start = (address: string) =>
    kernel.start({ address, machine: counterMachine, input: { count: 0 } });
  return { clock, kernel, start };
}

const line = ({ kind, address, event, actions, snapshot }: InspectionRecord) =>
  [kind, address, event?.type ?? "-", actions.join("+") || "-", snapshot.status].join(" ");

test("whoever watches sees who is there, who comes, what happens, and who goes", () => {
  const { kernel, start } = setUp();
  start("a");
  const seen: string[] = [];
  const leave = kernel.inspect((record) => seen.push(line(record)));
  start("b");
  kernel.send("a", { type: "add" });
  kernel.send("b", { type: "finish" });
  kernel.stop("a");
  leave();
  expect(seen).toEqual([
    "actor a - - active",
    "actor b - - active",
    "transition b xstate.init - active",
    "transition a add effect active",
    "end b finish - done",
    "end a - - stopped",
  ]);
});

test("a second watcher is told of those who are there; the first is not told again", () => {
  const { kernel, start } = setUp();
  start("a");
  const first: string[] = [];
  const second: string[] = [];
  const leaveFirst = kernel.inspect(({ kind }) => first.push(kind));
  const leaveSecond = kernel.inspect(({ kind }) => second.push(kind));
  kernel.send("a", { type: "add" });
  leaveFirst();
  kernel.send("a", { type: "add" });
  leaveSecond();
  kernel.send("a", { type: "add" });
  expect(first).toEqual(["actor", "transition"]);
  expect(second).toEqual(["actor", "transition", "transition"]);
});

test("a failure and the life after it are seen", () => {
  const { clock, kernel, start } = setUp();
  start("a");
  const seen: string[] = [];
  kernel.inspect((record) => seen.push(line(record)));
  kernel.send("a", { type: "boom" });
  clock.advance(100);
  kernel.send("a", { type: "add" });
  kernel.send("a", { type: "boom" });
  expect(seen).toEqual([
    "actor a - - active",
    "end a boom throws restarting",
    "actor a - - active",
    "transition a xstate.init - active",
    "transition a add effect active",
    "end a boom throws faulted",
  ]);
});

test("an inspector that throws loses no event", () => {
  const { kernel, start } = setUp();
  const ref = start("a");
  kernel.inspect(() => {
    throw new Error("inspector failed");
  });
  ref.send({ type: "add" });
  expect(ref.snapshot().context.count).toBe(1);
  expect(kernel.counters.listenerErrors).toBe(2);
});

test("records carry what a page needs, and the machine can be drawn", () => {
  const { clock, kernel, start } = setUp();
  clock.advance(5);
  const ref = start("a");
  const records: InspectionRecord[] = [];
  kernel.inspect((record) => records.push(record));
  expect(records[0]).toMatchObject({ machineId: "counter", at: 5, incarnation: "1" });
  expect(records[0]?.snapshot).toMatchObject({ value: "counting", context: { count: 0 } });
  expect(JSON.parse(JSON.stringify(ref.machine.toJSON()))).toMatchObject({ id: "counter" });
});

test("a record tells the state before, the timers that wait, and to whom the actor belongs", () => {
  const clock = new VirtualClock();
  const kernel = new Kernel({ clock });
  const input = { count: 0 };
  kernel.start({ address: "a", parent: "boss", machine: counterMachine, input });
  const seen: InspectionRecord[] = [];
  kernel.inspect((record) => seen.push(record));
  kernel.send("a", { type: "add" });
  expect(seen[0]).toMatchObject({ kind: "actor", parent: "boss", from: undefined });
  expect(seen[1]).toMatchObject({ kind: "transition", parent: "boss", from: "counting" });
  expect(seen[1]?.timers).toMatchObject([{ name: "month", delayMs: expect.any(Number) }]);
});

test("an event that an actor sends while it handles one has that actor as its source", () => {
  const { kernel, start } = setUp();
  const first = start("first");
  start("second");
  const sources: (string | undefined)[] = [];
  kernel.inspect(({ address, event, source }) => {
    if (address === "second" && event?.type === "add") sources.push(source);
  });
  kernel.send("second", { type: "add" });
  // Told within the transition, as an effect is run.
  const stop = first.subscribe(() => kernel.send("second", { type: "add" }));
  first.send({ type: "add" });
  stop();
  kernel.send("second", { type: "add" });
  expect(sources).toEqual([undefined, "first", undefined]);
});
