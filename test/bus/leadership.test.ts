import { afterEach, expect, test, vi } from "vitest";
import type { Bus } from "../../src/bus/connect.ts";
import { Leadership } from "../../src/bus/leadership.ts";

afterEach(() => void vi.useRealTimers());

/** A bucket whose answers take so long. */
function slowBus(answerMs: number): Bus {
  const answer = async () => {
    await new Promise((resolve) => setTimeout(resolve, answerMs));
    return 1;
  };
  const kv = { create: answer, update: answer };
  return { kvm: { open: async () => kv }, names: { buckets: { leases: "leases" } } } as never;
}

test("a lease that others may have taken counts again once it was renewed, and that is told", async () => {
  vi.useFakeTimers();
  const acquired = vi.fn();
  const starting = Leadership.start(slowBus(10), "o1", { acquired, lost: () => {} });
  await vi.advanceTimersByTimeAsync(100);
  const leadership = await starting;
  leadership.suspend();
  expect(leadership.leads).toBe(false);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(leadership.leads).toBe(true);
  expect(acquired).toHaveBeenCalledTimes(2);
});

test("a lease counts from when it was asked for, not from when the answer came", async () => {
  vi.useFakeTimers();
  const starting = Leadership.start(slowBus(6_000), "o1", { acquired: () => {}, lost: () => {} });
  await vi.advanceTimersByTimeAsync(6_000);
  const leadership = await starting;
  expect(leadership.leads).toBe(true);
  await vi.advanceTimersByTimeAsync(3_400);
  expect(leadership.leads).toBe(true);
  await vi.advanceTimersByTimeAsync(200);
  expect(leadership.leads).toBe(false);
});
