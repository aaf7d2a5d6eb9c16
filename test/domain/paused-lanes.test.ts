import { expect, test } from "vitest";
import { PausedLanes } from "../../src/domain/paused-lanes.ts";

test("a lane holds something paused until the last of it is resumed", () => {
  const lanes = new PausedLanes();
  expect(lanes.has("high")).toBe(false);
  lanes.add("high");
  lanes.add("high");
  lanes.remove("high");
  expect([lanes.has("high"), lanes.has("low")]).toEqual([true, false]);
  lanes.remove("high");
  expect(lanes.has("high")).toBe(false);
});

test("what is paused nobody knows where counts for each lane", () => {
  const lanes = new PausedLanes();
  lanes.add(undefined);
  expect([lanes.has("high"), lanes.has("normal"), lanes.has("low")]).toEqual([true, true, true]);
  lanes.remove(undefined);
  lanes.add("low");
  expect([lanes.has("high"), lanes.has("low")]).toEqual([false, true]);
});
