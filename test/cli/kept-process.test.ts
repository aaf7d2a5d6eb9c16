import type { ChildProcess } from "node:child_process";
import { EventEmitter } from "node:events";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KeptProcess } from "../../src/cli/dev/kept-process.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const POLICY = { maxRestarts: 2, withinMs: 10_000, firstDelayMs: 100, maxDelayMs: 1_000 };

/** A child that ends when it is told to by `end`; signals are only written down. */
class FakeChild extends EventEmitter {
  readonly signals: string[] = [];

  kill(signal: string): boolean {
    this.signals.push(signal);
    return true;
  }

  end(code: number | null, signal: string | null = null): void {
    this.emit("exit", code, signal);
  }
}

function setUp() {
  const children: FakeChild[] = [];
  const said: string[] = [];
  const onGaveUp = vi.fn();
  const kept = new KeptProcess({
    name: "worker w1",
    spawn: () => {
      const child = new FakeChild();
      children.push(child);
      return child as unknown as ChildProcess;
    },
    say: (line) => void said.push(line),
    onGaveUp,
    policy: POLICY,
  });
  kept.start();
  return { kept, children, said, onGaveUp, latest: () => children.at(-1) as FakeChild };
}

test("a child that dies is started again, and it is told how it died", () => {
  const { children, said, latest } = setUp();
  latest().end(null, "SIGKILL");
  vi.advanceTimersByTime(100);
  expect(children).toHaveLength(2);
  expect(said).toEqual(["worker w1 ended (SIGKILL); starting it again"]);
});

test("a child that left in good order is started again, too: the number of workers is kept", () => {
  const { children, latest } = setUp();
  latest().end(0);
  vi.advanceTimersByTime(100);
  expect(children).toHaveLength(2);
});

test("the delay before a restart doubles", () => {
  const { children, latest } = setUp();
  latest().end(1);
  vi.advanceTimersByTime(100);
  latest().end(1);
  vi.advanceTimersByTime(199);
  expect(children).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(children).toHaveLength(3);
});

test("a child that keeps dying is given up", () => {
  const { children, said, onGaveUp, latest } = setUp();
  for (let crash = 0; crash < 3; crash++) {
    latest().end(1);
    vi.advanceTimersByTime(1_000);
  }
  expect(children).toHaveLength(3);
  expect(onGaveUp).toHaveBeenCalledOnce();
  expect(said.at(-1)).toBe("worker w1 ended (code 1) and is not started again");
});

test("crashes that lie far apart do not add up", () => {
  const { onGaveUp, latest } = setUp();
  for (let crash = 0; crash < 10; crash++) {
    latest().end(1);
    vi.advanceTimersByTime(60_000);
  }
  expect(onGaveUp).not.toHaveBeenCalled();
});

test("wrong settings do not get better by a restart", () => {
  const { children, onGaveUp, latest } = setUp();
  latest().end(2);
  vi.advanceTimersByTime(60_000);
  expect(children).toHaveLength(1);
  expect(onGaveUp).toHaveBeenCalledOnce();
});

test("a child that cannot be started counts as one that died", () => {
  const { children, said, latest } = setUp();
  latest().emit("error", new Error("spawn EAGAIN"));
  vi.advanceTimersByTime(100);
  expect(children).toHaveLength(2);
  expect(said).toEqual(["worker w1 ended (spawn EAGAIN); starting it again"]);
});

test("stop asks with SIGTERM, waits for the end and starts nothing again", async () => {
  const { kept, children, latest } = setUp();
  const stopped = kept.stop(5_000);
  expect(latest().signals).toEqual(["SIGTERM"]);
  latest().end(0);
  await stopped;
  vi.advanceTimersByTime(60_000);
  expect(children).toHaveLength(1);
});

test("a child that does not end in time is killed", async () => {
  const { kept, latest } = setUp();
  const stopped = kept.stop(5_000);
  vi.advanceTimersByTime(5_000);
  expect(latest().signals).toEqual(["SIGTERM", "SIGKILL"]);
  latest().end(null, "SIGKILL");
  await stopped;
});

test("stop between a death and the restart resolves at once and cancels the restart", async () => {
  const { kept, children, latest } = setUp();
  latest().end(1);
  await kept.stop(5_000);
  vi.advanceTimersByTime(60_000);
  expect(children).toHaveLength(1);
});
