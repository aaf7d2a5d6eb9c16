import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ActorStartError, AddressTakenError } from "../../src/kernel/errors.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import type { ActorFault, DeadLetter } from "../../src/kernel/reports.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import { type CounterContext, type CounterEvent, counterMachine } from "./support.ts";

let clock: VirtualClock;
let kernel: Kernel;
let faults: ActorFault[];
let letters: DeadLetter[];
const uncaught: unknown[] = [];
const note = (error: unknown) => uncaught.push(error);

beforeEach(() => {
  clock = new VirtualClock();
  faults = [];
  letters = [];
  kernel = new Kernel({
    clock,
    onFault: (fault) => faults.push(fault),
    onDeadLetter: (letter) => letters.push(letter),
  });
  process.on("uncaughtException", note);
});

/** The library throws what nobody handled a moment later, from a timer of its own. */
afterEach(async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  process.off("uncaughtException", note);
  expect(uncaught.splice(0)).toEqual([]);
});

function start(address = "counter/1", count = 0) {
  return kernel.start({ address, machine: counterMachine, input: { count } });
}

describe("an address", () => {
  test("finds its actor, and what is sent to it arrives before send returns", () => {
    const ref = start();
    expect(kernel.send("counter/1", { type: "add" })).toBe(true);
    expect(kernel.find<CounterEvent, CounterContext>("counter/1")).toBe(ref);
    expect(ref.snapshot()).toMatchObject({
      status: "active",
      state: "counting",
      context: { count: 1 },
    });
  });

  test("belongs to one living actor", () => {
    const ref = start();
    expect(() => start()).toThrow(AddressTakenError);
    ref.send({ type: "add" });
    expect(kernel.size).toBe(1);
    expect(ref.snapshot().context.count).toBe(1);
  });

  test("is free again when its actor is done or stopped, in the callback already", () => {
    const ended: unknown[] = [];
    kernel = new Kernel({
      clock,
      onEnd: ({ output, address }) => {
        ended.push(output);
        if (ended.length === 1) start(address, 10);
      },
    });
    start().send({ type: "finish" });
    kernel.send("counter/1", { type: "finish" });
    expect(ended).toEqual([0, 10]);
    start();
    expect(kernel.stop("counter/1")).toBe(true);
    expect(kernel.stop("counter/1")).toBe(false);
    start();
  });

  test("of nobody makes a dead letter", () => {
    expect(kernel.send("nobody", { type: "add" })).toBe(false);
    const ref = start();
    ref.send({ type: "finish" });
    expect(ref.send({ type: "add" })).toBe(false);
    expect(letters.map(({ reason }) => reason)).toEqual(["unknown-address", "not-running"]);
    expect(kernel.counters.deadLetters).toBe(2);
  });

  test("lists by prefix", () => {
    for (const address of ["a/1", "b/1", "a/2"]) start(address);
    expect(kernel.list("a/").map(({ address }) => address)).toEqual(["a/1", "a/2"]);
  });
});

describe("a failure", () => {
  test.each([
    ["boom", "action failed"],
    ["guardBoom", "guard failed"],
    ["loop", "Infinite loop"],
  ] as const)("%s restarts the actor and nobody else", (type, message) => {
    const other = start("counter/2");
    const ref = start();
    ref.send({ type });
    expect(ref.snapshot().status).toBe("restarting");
    expect(String(faults[0]?.error)).toContain(message);
    expect(faults[0]).toMatchObject({ address: "counter/1", lastEvent: type, restartInMs: 100 });
    clock.advance(100);
    expect(ref.snapshot()).toMatchObject({ status: "active", state: "counting" });
    expect(ref.restarts).toBe(1);
    other.send({ type: "add" });
    expect(other.snapshot().context.count).toBe(1);
  });

  test("in a timer is a failure like any other", () => {
    const ref = start();
    ref.send({ type: "timerBoom" });
    clock.advance(1_000);
    expect(ref.snapshot().status).toBe("restarting");
  });

  test("leaves no timer behind", () => {
    start().send({ type: "boom" });
    expect(clock.pending).toBe(1);
    clock.advance(100);
    expect(clock.pending).toBe(1);
    kernel.stopAll();
    expect(clock.pending).toBe(0);
  });

  test("keeps what is sent meanwhile, up to a hundred events", () => {
    const ref = start();
    ref.send({ type: "boom" });
    for (let i = 0; i < 103; i++) ref.send({ type: "add" });
    expect(letters.map(({ reason }) => reason)).toEqual(Array(3).fill("mailbox-full"));
    clock.advance(100);
    expect(ref.snapshot().context.count).toBe(100);
  });

  test("starts again from the input, or from what recover makes of the last context", () => {
    const forgetful = start("counter/1");
    const mindful = kernel.start({
      address: "counter/2",
      machine: counterMachine,
      input: { count: 0 },
      recover: ({ count }) => ({ count }),
    });
    for (const ref of [forgetful, mindful]) {
      ref.send({ type: "add" });
      ref.send({ type: "boom" });
    }
    clock.advance(100);
    expect(forgetful.snapshot().context.count).toBe(0);
    expect(mindful.snapshot().context.count).toBe(1);
  });

  test("of recover counts as one more failure", () => {
    const ref = kernel.start({
      address: "counter/1",
      machine: counterMachine,
      input: { count: 0 },
      recover: () => ({ count: -1 }),
    });
    ref.send({ type: "boom" });
    clock.advance(10_000);
    expect(faults.map(({ restartInMs }) => restartInMs)).toEqual([100, 400, 1_600, undefined]);
    expect(faults.at(-1)?.error).toBeInstanceOf(ActorStartError);
    expect(ref.snapshot()).toMatchObject({ status: "faulted", context: { count: 0 } });
  });

  test("of the first state is thrown at whoever starts it, and leaves nothing behind", () => {
    expect(() => start("counter/1", -1)).toThrow(ActorStartError);
    expect(kernel.size).toBe(0);
  });
});

describe("restart intensity", () => {
  test("3 restarts in 30 s, ever later; the fourth failure is an actor-fault", () => {
    const ref = start();
    for (let failure = 1; failure <= 4; failure++) {
      ref.send({ type: "boom" });
      clock.advance(2_000);
    }
    expect(faults.map(({ restartInMs }) => restartInMs)).toEqual([100, 400, 1_600, undefined]);
    expect(kernel.counters).toMatchObject({ restarts: 3, faults: 1 });
    expect(ref.snapshot()).toMatchObject({ status: "faulted", error: new Error("action failed") });
    expect(ref.send({ type: "add" })).toBe(false);
    expect(kernel.find("counter/1")?.snapshot().status).toBe("faulted");
    expect(clock.pending).toBe(0);
  });

  test("failures that are far apart are forgiven", () => {
    const ref = start();
    for (let failure = 1; failure <= 12; failure++) {
      ref.send({ type: "boom" });
      clock.advance(12_000);
    }
    expect(ref.snapshot().status).toBe("active");
    expect(ref.restarts).toBe(12);
  });

  test("a faulted actor can be replaced, and stopped", () => {
    kernel = new Kernel({ clock, restarts: { intensity: 0 } });
    start().send({ type: "boom" });
    start("counter/2");
    const next = start();
    expect(next.snapshot().status).toBe("active");
    expect(kernel.list().map(({ address }) => address)).toEqual(["counter/2", "counter/1"]);
    next.send({ type: "boom" });
    expect(kernel.stop("counter/1")).toBe(true);
    expect(kernel.size).toBe(1);
  });

  test("stopping while it waits to restart is the end", () => {
    const ref = start();
    ref.send({ type: "boom" });
    ref.send({ type: "add" });
    kernel.stop("counter/1");
    clock.advance(60_000);
    expect(ref.snapshot().status).toBe("stopped");
    expect(letters).toMatchObject([{ reason: "not-running" }]);
  });
});

describe("subscribers", () => {
  test("see each event that was handled, across restarts, until they leave", () => {
    const ref = start();
    const seen: unknown[] = [];
    const leave = ref.subscribe(({ status, context }) => seen.push([status, context.count]));
    ref.send({ type: "add" });
    ref.send({ type: "boom" });
    clock.advance(100);
    ref.send({ type: "add" });
    leave();
    ref.send({ type: "add" });
    expect(seen).toEqual([
      ["active", 1],
      ["restarting", 1],
      ["active", 0],
      ["active", 1],
    ]);
  });

  test("see the end", () => {
    const ref = start();
    const seen: string[] = [];
    ref.subscribe(({ status }) => seen.push(status));
    ref.send({ type: "finish" });
    expect(seen).toEqual(["done"]);
  });

  test("that throw hurt nobody, and are counted", () => {
    const told: unknown[] = [];
    kernel = new Kernel({ clock, onListenerError: (error) => told.push(error) });
    const ref = start();
    const seen: string[] = [];
    ref.subscribe(() => {
      throw new Error("subscriber failed");
    });
    ref.subscribe(({ state }) => seen.push(state));
    ref.send({ type: "add" });
    expect(seen).toEqual(["counting"]);
    expect(told).toEqual([new Error("subscriber failed")]);
    expect(kernel.counters.listenerErrors).toBe(1);
  });

  test("so do listeners of the kernel", () => {
    const fail = () => {
      throw new Error("listener failed");
    };
    kernel = new Kernel({
      clock,
      onFault: fail,
      onEnd: fail,
      onDeadLetter: fail,
      onListenerError: fail,
    });
    start("counter/1").send({ type: "boom" });
    start("counter/2").send({ type: "finish" });
    kernel.send("nobody", { type: "add" });
    expect(kernel.counters.listenerErrors).toBe(3);
    clock.advance(100);
    expect(kernel.find("counter/1")?.snapshot().status).toBe("active");
  });
});

describe("stopping", () => {
  test("goes in reverse order of the starts", () => {
    const ended: string[] = [];
    const stop = kernel.inspect(({ kind, address }) => {
      if (kind === "end") ended.push(address);
    });
    for (const address of ["a", "b", "c"]) start(address);
    kernel[Symbol.dispose]();
    expect(ended).toEqual(["c", "b", "a"]);
    expect(kernel.size).toBe(0);
    expect(clock.pending).toBe(0);
    stop();
  });

  test("from within an actor's own effect lets the event end first", () => {
    const machine = counterMachine.provide({
      actions: { effect: () => void kernel.stop("counter/1") },
    });
    const ref = kernel.start({ address: "counter/1", machine, input: { count: 0 } });
    ref.send({ type: "add" });
    expect(ref.snapshot()).toMatchObject({ status: "stopped", context: { count: 1 } });
    expect(kernel.size).toBe(0);
    expect(clock.pending).toBe(0);
  });
});

test("an actor that stops itself and then fails stays stopped", () => {
  const machine = counterMachine.provide({
    actions: {
      effect: () => {
        kernel.stop("counter/1");
        throw new Error("too late");
      },
    },
  });
  const ref = kernel.start({ address: "counter/1", machine, input: { count: 0 } });
  ref.send({ type: "add" });
  clock.advance(60_000);
  expect(ref.snapshot().status).toBe("stopped");
  expect(faults).toEqual([]);
});

test("an event that an actor sends itself is handled after the one at hand", () => {
  const order: number[] = [];
  const machine = counterMachine.provide({
    actions: {
      effect: ({ context }) => {
        if (context.count === 1) kernel.send("counter/1", { type: "add" });
        order.push(context.count);
      },
    },
  });
  const ref = kernel.start({ address: "counter/1", machine, input: { count: 0 } });
  ref.send({ type: "add" });
  expect(order).toEqual([1, 2]);
});
