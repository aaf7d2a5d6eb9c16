import { expect, test } from "vitest";
import type { Original } from "../../src/bus/dead-letter-original.ts";
import { replayMessage } from "../../src/bus/replay-message.ts";
import type { DeadLetterReason } from "../../src/domain/dead-letter.ts";
import type { StoredDeadLetter } from "../../src/messages/result.ts";

const NOW = Date.parse("2026-01-02T00:00:00Z");

function replay(original: Partial<Original>, reason: DeadLetterReason = "max_attempts") {
  const letter = { executionId: "e1", reason, sequence: 7 } as StoredDeadLetter;
  const { body, ...rest } = replayMessage(letter, { headers: {}, ...original }, NOW);
  return { ...rest, text: Buffer.from(body).toString() };
}

test("a message with its own id goes as it came, under a message id of the letter", () => {
  const headers = { "X-A": ["1", "2"], "nats-ttl": ["5"], "Batuta-Ack": ["x"], traceparent: ["t"] };
  expect(replay({ headers, data: { executionId: "e1", flowId: "f" } })).toEqual({
    text: '{"executionId":"e1","flowId":"f"}',
    headers: [
      ["X-A", "1"],
      ["X-A", "2"],
      ["traceparent", "t"],
      ["Nats-Msg-Id", "replay-7"],
    ],
    keepsId: true,
    notes: [],
  });
});

test.each<[string, Original["data"], string]>([
  ["no executionId", { flowId: "f" }, "it runs as e1: its publisher gave no executionId"],
  ["one that cannot be used", { executionId: "a.b" }, 'gave the executionId "a.b"'],
])("a message with %s gets that of its letter", (_what, data, note) => {
  const { text, notes, keepsId } = replay({ data });
  expect(JSON.parse(text).executionId).toBe("e1");
  expect(notes).toEqual([expect.stringContaining(note)]);
  expect(keepsId).toBe(true);
});

test.each<[string, Partial<Original>, string]>([
  ["bytes that are not JSON", { dataBase64: Buffer.from("{torn").toString("base64") }, "{torn"],
  ["a number", { data: 42 }, "42"],
  ["a list", { data: [1] }, "[1]"],
  ["null", { data: null }, "null"],
])("%s: sent byte for byte, with a warning", (_what, original, text) => {
  const sent = replay(original, "invalid");
  expect(sent).toMatchObject({ text, keepsId: false });
  expect(sent.notes).toEqual([expect.stringContaining("refused again")]);
});

test("a deadline that has passed, and a refusal, are told before it is sent", () => {
  const data = { executionId: "e1", deadline: "2026-01-01T00:00:00Z" };
  expect(replay({ data }, "expired").notes).toEqual([expect.stringContaining("expire again")]);
  const late = { ...data, deadline: "2026-01-03T00:00:00Z" };
  expect(replay({ data: late }).notes).toEqual([]);
  expect(replay({ data: late }, "invalid").notes).toEqual([
    expect.stringContaining("refused as invalid"),
  ]);
});
