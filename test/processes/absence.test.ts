import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Absence } from "../../src/processes/absence.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A process that can be frozen: its clock goes on, its timers do not. */
function start(hasPeers = true) {
  const told: string[] = [];
  let frozenMs = 0;
  const absence = new Absence(
    {
      isMissed: () => hasPeers,
      absent: (forMs) => told.push(`absent ${forMs}`),
      back: (forMs) => told.push(`back ${forMs}`),
    },
    () => Date.now() + frozenMs,
  );
  absence.start();
  const freeze = (ms: number) => {
    frozenMs += ms;
  };
  return { absence, told, freeze };
}

test("what is read first after a freeze is not let through, nor for a second after it", () => {
  const { absence, told, freeze } = start();
  freeze(5_000);
  expect(absence.isHere()).toBe(false);
  vi.advanceTimersByTime(900);
  expect(absence.isHere()).toBe(false);
  vi.advanceTimersByTime(100);
  expect(absence.isHere()).toBe(true);
  expect(told).toEqual(["absent 5000", "back 5000"]);
});

test("a timer that is the first to run again notices it too", () => {
  const { absence, told, freeze } = start();
  freeze(4_000);
  vi.advanceTimersByTime(500);
  expect(told).toEqual(["absent 4500"]);
  expect(absence.isHere()).toBe(false);
});

test("load, and idling, are no absence", () => {
  const { absence, told, freeze } = start();
  freeze(2_500);
  expect(absence.isHere()).toBe(true);
  vi.advanceTimersByTime(60_000);
  expect(absence.isHere()).toBe(true);
  expect(told).toEqual([]);
});

test("alone, nobody can have taken anything over, and all is let through", () => {
  const { absence, freeze } = start(false);
  freeze(60_000);
  expect(absence.isHere()).toBe(true);
});
