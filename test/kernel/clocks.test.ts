import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Kernel } from "../../src/kernel/kernel.ts";
import { SystemClock } from "../../src/kernel/system-clock.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import { counterMachine } from "./support.ts";

const DAY = 24 * 3_600_000;

describe("the virtual clock", () => {
  test("runs timers by deadline, those set on the way included, each at its own time", () => {
    const clock = new VirtualClock(1_000);
    const seen: string[] = [];
    const note = (name: string) => seen.push(`${name}@${clock.now()}`);
    clock.setTimeout(() => note("b"), 20);
    clock.setTimeout(() => {
      note("a");
      clock.setTimeout(() => note("a2"), 5);
      clock.setTimeout(() => note("late"), 100);
    }, 10);
    clock.setTimeout(() => note("c"), 20);
    clock.advance(30);
    expect(seen).toEqual(["a@1010", "a2@1015", "b@1020", "c@1020"]);
    expect(clock.now()).toBe(1_030);
    expect(clock.pending).toBe(1);
  });

  test("a jump over a chain of timers is as good as many small steps", () => {
    const clock = new VirtualClock();
    let steps = 0;
    const next = () => {
      steps++;
      clock.setTimeout(next, 1_000);
    };
    clock.setTimeout(next, 1_000);
    clock.advance(10_000);
    expect(steps).toBe(10);
  });

  test("a timer that is told to wait longer does, and runs once", () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    let until = 25;
    const still = () => until - clock.now();
    const id = clock.setTimeout(() => seen.push(clock.now()), 10, still);
    clock.setTimeout(() => {
      until = 40;
    }, 12);
    clock.advance(39);
    expect(seen).toEqual([]);
    clock.advance(100);
    expect(seen).toEqual([40]);
    clock.clearTimeout(id);
    expect(clock.pending).toBe(0);
  });

  test("a cleared timer does not run, not even one that is due at the same time", () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const ids: number[] = [];
    clock.setTimeout(() => clock.clearTimeout(ids[0] as number), 10);
    ids.push(clock.setTimeout(() => seen.push("x"), 10));
    clock.advance(10);
    clock.clearTimeout(99);
    expect(seen).toEqual([]);
  });
});

describe("the system clock", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  test("keeps a delay of 30 days, which Node alone would fire at once", () => {
    const seen: string[] = [];
    setTimeout(() => seen.push("node"), 30 * DAY);
    new SystemClock().setTimeout(() => seen.push("ours"), 30 * DAY);
    vi.advanceTimersByTime(30 * DAY - 1);
    expect(seen).toEqual(["node"]);
    vi.advanceTimersByTime(1);
    expect(seen).toEqual(["node", "ours"]);
  });

  test("a timer that is told to wait longer does, and can be cleared meanwhile", () => {
    const clock = new SystemClock();
    const seen: string[] = [];
    let waits = 2;
    const still = () => (waits-- > 0 ? 50 : 0);
    clock.setTimeout(() => seen.push("a"), 10, still);
    const cleared = clock.setTimeout(
      () => seen.push("b"),
      10,
      () => 50,
    );
    vi.advanceTimersByTime(109);
    expect(seen).toEqual([]);
    // Each look may come 50 ms late.
    vi.advanceTimersByTime(102);
    expect(seen).toEqual(["a"]);
    clock.clearTimeout(cleared);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an actor waits 30 days", () => {
    const kernel = new Kernel({ clock: new SystemClock() });
    const ref = kernel.start({ address: "a", machine: counterMachine, input: { count: 0 } });
    vi.advanceTimersByTime(30 * DAY - 1);
    expect(ref.snapshot().state).toBe("counting");
    vi.advanceTimersByTime(1);
    expect(ref.snapshot().state).toBe("expired");
    kernel.stopAll();
  });

  test("a cleared delay leaves nothing behind", () => {
    const clock = new SystemClock();
    clock.clearTimeout(clock.setTimeout(() => {}, 60 * DAY));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("the system clock in a stall", () => {
  /** Keeps the event loop busy. */
  const stall = (ms: number) => {
    for (const until = performance.now() + ms; performance.now() < until; );
  };
  const turns = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const turn = (left: number) => {
        if (left === 0) resolve();
        else setImmediate(() => turn(left - 1));
      };
      turn(count);
    });

  test("tells that it was late, and lets the event loop turn before timers run", async () => {
    const late: number[] = [];
    const clock = new SystemClock({ onStall: (ms) => late.push(ms), settleTurns: 4 });
    const seen: string[] = [];
    clock.setTimeout(() => seen.push("first"), 5);
    clock.setTimeout(() => seen.push("second"), 10);
    stall(100);
    await turns(3);
    expect(seen).toEqual([]);
    await vi.waitFor(() => expect(seen).toEqual(["first", "second"]), 8_000);
    expect(late.length).toBe(1);
    expect(late[0]).toBeGreaterThan(80);
  });

  test("a timer that is cleared while it waits does not run", async () => {
    const clock = new SystemClock({ settleTurns: 20 });
    const seen: string[] = [];
    const id = clock.setTimeout(() => seen.push("cleared"), 5);
    clock.setTimeout(() => seen.push("kept"), 5);
    stall(100);
    await turns(5);
    clock.clearTimeout(id);
    await vi.waitFor(() => expect(seen).toEqual(["kept"]), 8_000);
  });

  test("never fires before its time, and goes on as the wall clock steps", async () => {
    const clock = new SystemClock();
    const start = clock.now();
    vi.setSystemTime(0);
    await new Promise<void>((resolve) => clock.setTimeout(resolve, 30));
    expect(clock.now() - start).toBeGreaterThanOrEqual(30);
    vi.useRealTimers();
  });
});
