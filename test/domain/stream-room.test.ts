import { expect, test } from "vitest";
import { roomTrouble } from "../../src/domain/stream-room.ts";

const LEVEL = {
  stream: "FLOWS_HIGH",
  messages: 10,
  bytes: 5_000,
  maxMessages: 100,
  maxBytes: -1,
  refuses: true,
};

test("a stream with room, or without limits, is no trouble", () => {
  expect(roomTrouble(LEVEL)).toBeUndefined();
  expect(roomTrouble({ ...LEVEL, messages: 1e9, maxMessages: -1 })).toBeUndefined();
  expect(roomTrouble({ ...LEVEL, messages: 1e9, maxMessages: 0 })).toBeUndefined();
});

test("a stream that drops its oldest never refuses", () => {
  expect(roomTrouble({ ...LEVEL, messages: 100, refuses: false })).toBeUndefined();
});

test("the limit that is nearer is named, with how much of it is used", () => {
  expect(roomTrouble({ ...LEVEL, messages: 90 })).toBe(
    "FLOWS_HIGH holds 90 of 100 messages and refuses what goes beyond",
  );
  expect(roomTrouble({ ...LEVEL, messages: 90, maxBytes: 5_100 })).toBe(
    "FLOWS_HIGH holds 5000 of 5100 bytes and refuses what goes beyond",
  );
});
