import { expect, test } from "vitest";
import { judgeOrphan, orphansUpTo, putBackId } from "../../src/domain/orphans.ts";

const LEVEL = {
  messages: 3,
  firstSequence: 5,
  lastSequence: 9,
  pending: 0,
  ackPending: 0,
  ackFloor: 9,
};

test.each([
  { what: "an empty lane has none", level: { messages: 0 }, upTo: 0 },
  { what: "what an idle consumer leaves in the lane are orphans", level: {}, upTo: 9 },
  { what: "also above an ack floor that stayed behind", level: { ackFloor: 2 }, upTo: 9 },
  {
    what: "while messages wait only those below the ack floor",
    level: { pending: 1, ackFloor: 6 },
    upTo: 6,
  },
  {
    what: "while tasks run only those below the ack floor",
    level: { ackPending: 2, ackFloor: 7 },
    upTo: 7,
  },
  {
    what: "a busy lane without leftovers has none",
    level: { ackPending: 3, ackFloor: 4 },
    upTo: 0,
  },
])("$what", ({ level, upTo }) => {
  expect(orphansUpTo({ ...LEVEL, ...level })).toBe(upTo);
});

const SIGHTING = {
  storedAt: 1_000,
  now: 61_000,
  safeAgeMs: 60_000,
  seenBefore: true,
  held: false,
  ended: false,
};

test.each([
  { what: "old, seen twice and not ended: put back", sighting: {}, verdict: { type: "putBack" } },
  { what: "ended already: only removed", sighting: { ended: true }, verdict: { type: "remove" } },
  {
    what: "younger than the safe age: left",
    sighting: { now: 60_999 },
    verdict: { type: "leave", because: "young" },
  },
  {
    what: "seen for the first time: left",
    sighting: { seenBefore: false },
    verdict: { type: "leave", because: "new" },
  },
  {
    what: "in somebody's books: left",
    sighting: { held: true },
    verdict: { type: "leave", because: "held" },
  },
  {
    what: "in somebody's books and ended: left",
    sighting: { held: true, ended: true },
    verdict: { type: "leave", because: "held" },
  },
])("$what", ({ sighting, verdict }) => {
  expect(judgeOrphan({ ...SIGHTING, ...sighting })).toEqual(verdict);
});

test("the message id counts how often a message was put back", () => {
  expect(putBackId("job", 1)).toBe("job-r1");
  expect(putBackId("job-r1", 2)).toBe("job-r2");
  expect(putBackId("job-r9", 10)).toBe("job-r10");
});

test("an id of a publisher that only looks counted is left whole", () => {
  expect(putBackId("job-r1", 1)).toBe("job-r1-r1");
  expect(putBackId("job-r7", 2)).toBe("job-r7-r2");
});
