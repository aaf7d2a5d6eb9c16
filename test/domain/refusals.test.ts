import { expect, test } from "vitest";
import { NO_REFUSALS, refusalOfBeat, withRefusal } from "../../src/domain/refusals.ts";

const KNOWN = { incarnation: "01B", seq: 7 };

test.each([
  { what: "the next one", beat: { incarnation: "01B", seq: 8 }, reason: undefined },
  { what: "one after some were lost", beat: { incarnation: "01B", seq: 90 }, reason: undefined },
  { what: "the same again", beat: { incarnation: "01B", seq: 7 }, reason: "old_sequence" },
  { what: "one that goes back", beat: { incarnation: "01B", seq: 0 }, reason: "old_sequence" },
  {
    what: "a replaced process",
    beat: { incarnation: "01A", seq: 99 },
    reason: "older_incarnation",
  },
  {
    what: "one whose registration was missed",
    beat: { incarnation: "01C", seq: 0 },
    reason: "unknown_worker",
  },
])("a beat: $what is refused for $reason", ({ beat, reason }) => {
  expect(refusalOfBeat(beat, KNOWN)).toBe(reason);
});

test("a beat of a worker that nobody knows is refused", () => {
  expect(refusalOfBeat(KNOWN, undefined)).toBe("unknown_worker");
});

test("the first of a kind is told at once, and a flood of them as a number every ten seconds", () => {
  let tally = NO_REFUSALS;
  const told: { at: number; untold: number }[] = [];
  for (let at = 0; at < 25_000; at += 10) {
    const before = tally;
    const next = withRefusal(before, at);
    tally = next.tally;
    if (next.say) told.push({ at, untold: before.unsaid });
  }
  expect(told).toEqual([
    { at: 0, untold: 0 },
    { at: 10_000, untold: 999 },
    { at: 20_000, untold: 999 },
  ]);
  expect(tally.count).toBe(2_500);
});
