import { expect, test } from "vitest";
import { parseAckSubject } from "../../src/bus/ack-subject.ts";
import { featuresOf, isAtLeast, parseServerVersion } from "../../src/bus/server-version.ts";
import { growOnly } from "../../src/bus/topology-merge.ts";

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

test("features follow the version of the server, and an unreadable version has none", () => {
  expect(featuresOf(parseServerVersion("2.9.10"))).toEqual({
    streamMetadata: false,
    terminateWithReason: false,
    messageTtl: false,
  });
  expect(featuresOf(parseServerVersion("v2.15.1"))).toMatchObject({ messageTtl: true });
  expect(featuresOf(parseServerVersion("dev")).messageTtl).toBe(false);
  expect(isAtLeast([2, 10, 0], [2, 9, 22])).toBe(true);
});

test("a stream only grows: no limit is ever lowered, and none is the largest", () => {
  const existing = { subjects: ["a"], max_age: 0, max_msgs: 10, max_bytes: -1, max_msgs_per_subject: 1, num_replicas: 3 };
  const wanted = { subjects: ["a"], max_age: 5, max_msgs: 5, max_bytes: 100, max_msgs_per_subject: 1, num_replicas: 1 };
  expect(growOnly(existing as never, wanted)).toBeUndefined();
  expect(growOnly(existing as never, { ...wanted, max_msgs: -1 })).toEqual({ max_msgs: -1 });
  expect(growOnly(existing as never, { ...wanted, subjects: ["a", "b"] })).toEqual({ subjects: ["a", "b"] });
});
