import type { Msg } from "nats";
import { expect, test } from "vitest";
import { parseAckSubject } from "../../src/bus/ack-subject.ts";
import { refusalOf } from "../../src/bus/pub-ack.ts";
import { growOnly } from "../../src/bus/topology-merge.ts";
import { isAtLeast } from "../../src/domain/server-version.ts";

test("both forms of an ack subject are read", () => {
  const told = {
    stream: "FLOWS_HIGH",
    consumer: "dispatch",
    deliveryCount: 2,
    streamSequence: 41,
    storedAt: 1_795_490_243_723,
    pending: 7,
  };
  const tail = "FLOWS_HIGH.dispatch.2.41.99.1795490243723085357.7";
  expect(parseAckSubject(`$JS.ACK.${tail}`)).toEqual(told);
  expect(parseAckSubject(`$JS.ACK.hub.accthash.${tail}.x7f3`)).toEqual(told);
});

test("what is no ack subject is told apart", () => {
  for (const subject of ["", "_INBOX.a.b", "$JS.ACK.too.short", "$JS.API.STREAM.INFO.x"]) {
    expect(parseAckSubject(subject)).toBeUndefined();
  }
});

test("what a server can do follows its version, and an unreadable one can do the least", () => {
  expect(isAtLeast("2.10.0", "2.9.22")).toBe(true);
  expect(isAtLeast("v2.15.1", "2.10.0")).toBe(true);
  expect(isAtLeast("2.9.10", "2.10.0")).toBe(false);
  expect(isAtLeast("dev", "2.9.10")).toBe(false);
});

test("a stream only grows: no limit is ever lowered, and none is the largest", () => {
  const existing = {
    subjects: ["a"],
    max_age: 0,
    max_msgs: 10,
    max_bytes: -1,
    max_msgs_per_subject: 1,
    num_replicas: 3,
  };
  const wanted = {
    subjects: ["a"],
    max_age: 5,
    max_msgs: 5,
    max_bytes: 100,
    max_msgs_per_subject: 1,
    num_replicas: 1,
  };
  expect(growOnly(existing as never, wanted)).toBeUndefined();
  expect(growOnly(existing as never, { ...wanted, max_msgs: -1 })).toEqual({ max_msgs: -1 });
  expect(growOnly(existing as never, { ...wanted, subjects: ["a", "b"] })).toEqual({
    subjects: ["a", "b"],
  });
});

function answer(error: object): Msg {
  const text = JSON.stringify({ stream: "S", seq: 0, error });
  return { data: new TextEncoder().encode(text), string: () => text } as Msg;
}

test.each([
  [503, 10_077, "maximum messages exceeded", "full"],
  [503, 10_077, "maximum bytes exceeded", "full"],
  [503, 10_077, "write /js/1.blk: no space left on device", "full"],
  [400, 10_002, "resource limits exceeded for account", "full"],
  [503, 10_023, "insufficient resources", "full"],
  [500, 10_047, "insufficient storage resources available", "full"],
  [503, 10_077, "store is closed", "unavailable"],
  [503, 10_008, "JetStream system temporarily unavailable", "unavailable"],
  [400, 10_071, "wrong last sequence: 4", "refused"],
  [400, 10_054, "message size exceeds maximum allowed", "refused"],
])("a server that answers %i, %i, %s means: %s", (code, err_code, description, type) => {
  expect(refusalOf(answer({ code, err_code, description }))).toMatchObject({ type, description });
});
