import { expect, test } from "vitest";
import { isCutOff, judgePeer, PEER_SILENCE } from "../../src/domain/peer-silence.ts";

test.each([
  ["there", 1_500, false],
  ["to be probed", 1_501, false],
  ["to be probed", 7_000, false],
  ["gone", 7_001, false],
  ["to be probed", 60_000, true],
] as const)("a peer is %s after %i ms of silence, with doubts: %s", (verdict, silentMs, doubts) => {
  expect(judgePeer(silentMs, doubts)).toBe(verdict);
});

test("one that is cut off knows it two beats before its peers take over from it", () => {
  expect(isCutOff(PEER_SILENCE.cutOffMs)).toBe(false);
  expect(isCutOff(PEER_SILENCE.cutOffMs + 1)).toBe(true);
  expect(PEER_SILENCE.goneMs - PEER_SILENCE.cutOffMs).toBeGreaterThanOrEqual(2_000);
});
