import { describe, expect, test } from "vitest";
import { type AnyStateMachine, createActor } from "xstate";
import { getShortestPaths } from "xstate/graph";
import { connectionMachine, executionMachine, leaseMachine } from "../../actors/index.ts";
import { chartOf } from "../../src/domain/chart.ts";

/** Machines that mirror what their process does: the states of each, the events that there are, and its ends. */
const MIRRORS = [
  {
    machine: connectionMachine as unknown as AnyStateMachine,
    input: { purpose: "test", server: "127.0.0.1:4222" },
    events: [
      { type: "disconnected" },
      { type: "reconnected", server: "127.0.0.1:4223" },
      { type: "silent", silentMs: 2_000 },
      { type: "answered" },
      { type: "closed", error: "gone" },
    ],
    ends: ["closed"],
  },
  {
    machine: leaseMachine as unknown as AnyStateMachine,
    input: { holder: "o-1" },
    events: [
      { type: "acquired", revision: 7 },
      { type: "lost", reason: "another one has it" },
      { type: "suspended" },
      { type: "released" },
    ],
    ends: ["released"],
  },
  {
    machine: executionMachine as unknown as AnyStateMachine,
    input: {
      executionId: "e-1",
      flowId: "f",
      lane: "normal",
      attempt: 1,
      workerId: "w-1",
      startedAt: "2026-01-01T00:00:00.000Z",
    },
    events: [
      { type: "node", nodeId: "n", status: "completed" },
      { type: "paused" },
      { type: "resumed" },
      { type: "cancelled", reason: "asked for" },
      { type: "committing", status: "completed" },
      ...["completed", "failed", "cancelled", "fenced"].map((status) => ({
        type: "ended",
        status,
      })),
      { type: "abandoned", reason: "the worker goes" },
    ],
    ends: ["completed", "failed", "cancelled", "fenced", "abandoned"],
  },
];

describe.each(MIRRORS)("the $machine.id machine", ({ machine, input, events, ends }) => {
  const paths = getShortestPaths(machine, {
    input,
    events: events as never[],
    serializeState: ({ value }: { value: unknown }) => JSON.stringify(value),
    stopWhen: ({ status }: { status: string }) => status === "done",
  });
  const chart = chartOf({ id: machine.id, config: machine.config });
  const states = chart.states.map(({ path }) => path).filter((path) => path !== "");

  test("every state is reached from the start, and from every state each of its ends", () => {
    const reached = paths.map(({ state }) => String(state.value));
    expect(new Set(reached)).toEqual(new Set(states));
    for (const { state, steps } of paths) {
      if (ends.includes(String(state.value))) continue;
      const actor = createActor(machine, { input });
      actor.start();
      for (const { event } of steps) actor.send(event as never);
      expect(actor.getSnapshot().value, "the path leads there").toEqual(state.value);
      const finals = events.map((event) => {
        const next = createActor(machine, { input, snapshot: actor.getPersistedSnapshot() });
        next.start();
        next.send(event as never);
        return next.getSnapshot();
      });
      const ended = finals.filter(({ status }) => status === "done").map(({ value }) => value);
      expect(new Set(ended)).toEqual(new Set(ends));
    }
  });

  test("it knows every event that it is told, and no other", () => {
    const known = new Set(chart.edges.map(({ name }) => name).filter((name) => name !== ""));
    expect(new Set(events.map(({ type }) => type))).toEqual(known);
  });
});

test("a connection counts how often it was lost, and says why it is closed", () => {
  const input = { purpose: "test", server: "a" };
  const actor = createActor(connectionMachine, { input }).start();
  actor.send({ type: "silent", silentMs: 3_000 });
  actor.send({ type: "disconnected" });
  actor.send({ type: "disconnected" });
  actor.send({ type: "reconnected", server: "b" });
  expect(actor.getSnapshot().context).toMatchObject({ losses: 1, silentMs: 0, server: "b" });
  actor.send({ type: "closed", error: "authorization violation" });
  expect(actor.getSnapshot()).toMatchObject({
    status: "done",
    context: { error: "authorization violation" },
  });
});

test("a lease that is suspended leads again only when it is confirmed", () => {
  const actor = createActor(leaseMachine, { input: { holder: "o-1" } }).start();
  actor.send({ type: "acquired", revision: 1 });
  actor.send({ type: "suspended" });
  expect(actor.getSnapshot().hasTag("held")).toBe(false);
  actor.send({ type: "acquired", revision: 2 });
  expect(actor.getSnapshot().context).toMatchObject({ revision: 2, terms: 2 });
  actor.send({ type: "lost", reason: "too late" });
  expect(actor.getSnapshot().context).toMatchObject({ revision: undefined, reason: "too late" });
});

test("an execution whose record is being stored is not cancelled any more", () => {
  const [, , mirror] = MIRRORS;
  const actor = createActor(executionMachine, { input: mirror?.input as never }).start();
  actor.send({ type: "node", nodeId: "a", status: "completed" });
  actor.send({ type: "committing", status: "completed" });
  actor.send({ type: "cancelled", reason: "too late" });
  expect(actor.getSnapshot().value).toBe("committing");
  expect(actor.getSnapshot().context).toMatchObject({ nodesEnded: 1, lastNode: "a" });
});
