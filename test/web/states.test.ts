import { expect, test } from "vitest";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import { activePaths, lastMove } from "../../web/inspect/states.ts";

function record(from: string | undefined, state: string, type: string): ActorRecord {
  return {
    v: 1,
    kind: from === undefined ? "actor" : "transition",
    node: "orc",
    address: "worker/w-1",
    incarnation: "1",
    seq: 1,
    at: "2026-01-01T00:00:00.000Z",
    machine: "0123456789abcdef",
    machineId: "worker",
    event: { type },
    from,
    state,
    value: state,
    status: "active",
    tags: [],
    context: {},
    actions: [],
    timers: [],
  };
}

test("the arrow taken last stays marked while the actor handles events in its new state", () => {
  const records = [
    record(undefined, "healthy", ""),
    record("healthy", "critical", "heartbeat"),
    record("critical", "critical", "heartbeat"),
    record("critical", "critical", "pong"),
  ];
  expect(lastMove(records, undefined)).toEqual({
    event: "heartbeat",
    from: new Set(["healthy"]),
    to: new Set(["critical"]),
  });
});

test("an actor that has only been found in its state took no arrow yet", () => {
  expect(lastMove([record(undefined, "healthy", "")], undefined)).toBeUndefined();
  expect(lastMove([record("healthy", "healthy", "heartbeat")], undefined)).toBeUndefined();
});

test("of nested states and of regions only what was left and entered is marked", () => {
  const move = lastMove([record("on.fast x.a", "on.slow x.a", "slow-down")], undefined);
  expect(move).toMatchObject({ from: new Set(["on.fast"]), to: new Set(["on.slow"]) });
  expect(activePaths("on.slow x.a")).toEqual(new Set(["on", "on.slow", "x", "x.a"]));
});
