import { expect, test } from "vitest";
import { PauseSwitch } from "../../src/processes/pause-switch.ts";

test("an order that is older than the last one changes nothing", () => {
  const pause = new PauseSwitch();
  pause.set(true, 7);
  pause.set(false, 6);
  expect(pause.paused).toBe(true);
  pause.set(false, 8);
  expect(pause.paused).toBe(false);
});

test("an order that comes twice is told once", () => {
  const pause = new PauseSwitch();
  const told: boolean[] = [];
  pause.onChange = () => told.push(pause.paused);
  for (const revision of [3, 3, 4]) pause.set(true, revision);
  pause.set(false, 5);
  expect(told).toEqual([true, false]);
});
