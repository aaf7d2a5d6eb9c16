import { describe, expect, test } from "vitest";
import { getAdjacencyMap, getShortestPaths } from "xstate/graph";
import { supervisorMachine, workerMachine } from "../../actors/index.ts";
import { chartOf } from "../../src/domain/chart.ts";
import { inputOf } from "./support.ts";

const worker = chartOf(workerMachine);
const supervisor = chartOf(supervisorMachine);

interface OracleEvent {
  readonly type: string;
  /** The one guard that holds while this event is handled. */
  readonly holds: string;
}

const guardNames = [...new Set(worker.edges.flatMap(({ guard }) => guard ?? []))];
const eventTypes = worker.edges.map(({ trigger, name, from }) =>
  trigger === "after" ? `xstate.after.${name}.${from}` : name || "inFlight",
);

/** Guards that ask the event instead of the facts, and no facts: every way that is drawn can be taken. */
const open = workerMachine.provide({
  guards: Object.fromEntries(
    guardNames.map((name) => [name, ({ event }: { event: object }) => holds(event, name)]),
  ) as never,
  actions: Object.fromEntries(
    Object.keys(workerMachine.implementations.actions).map((name) => [name, () => {}]),
  ) as never,
});

function holds(event: object, guard: string): boolean {
  return "holds" in event && event.holds === guard;
}

const events = [...new Set(eventTypes)].flatMap((type): OracleEvent[] =>
  ["none", ...guardNames].map((guard) => ({ type, holds: guard })),
);

const options = {
  input: inputOf(() => 0),
  events: events as never[],
  // The pure transition of a final state would go on; the actor is stopped there.
  stopWhen: ({ status }: { status: string }) => status === "done",
  serializeState: ({ value }: { value: unknown }) => JSON.stringify(value),
};

/** For each state the states that are one step away. */
function stepsOf(): Record<string, Set<string>> {
  const graph = getAdjacencyMap(open, options) as unknown as Record<
    string,
    { transitions: Record<string, { state: { value: unknown } }> }
  >;
  return Object.fromEntries(
    Object.entries(graph).map(([state, { transitions }]) => [
      state,
      new Set(Object.values(transitions).map((edge) => JSON.stringify(edge.state.value))),
    ]),
  );
}

describe("the worker machine", () => {
  test("every state but the transient one is reached from the start", () => {
    const reached = getShortestPaths(open, options).map(({ state }) => JSON.stringify(state.value));
    expect(new Set(reached)).toEqual(
      new Set([
        '"registering"',
        '"healthy"',
        '{"degraded":"limited"}',
        '{"degraded":"suspect"}',
        '"critical"',
        '"draining"',
        '"offline"',
      ]),
    );
  });

  test("offline is reached from everywhere, and is the only dead end", () => {
    const { '"offline"': fromOffline, ...others } = stepsOf();
    expect(fromOffline).toEqual(new Set());
    expect(Object.keys(others).length).toBe(6);
    for (const [state, next] of Object.entries(others)) expect(next, state).toContain('"offline"');
  });

  test("no single step leads from critical to healthy, or out of draining but to offline", () => {
    const steps = stepsOf();
    expect(steps['"critical"']).not.toContain('"healthy"');
    expect(steps['"draining"']).toEqual(new Set(['"draining"', '"offline"']));
  });

  test("every guard, action and delay has a name, for the visualizer", () => {
    for (const chart of [worker, supervisor]) {
      for (const { guard, actions, name, trigger } of chart.edges) {
        expect(guard).not.toBe("");
        for (const action of actions) expect(action).toMatch(/^[a-z]\w+(\(.+\))?$/);
        if (trigger === "after") expect(name).toMatch(/^[a-z]\w+$/);
      }
    }
  });

  test("loops without end are cut off", () => {
    expect(workerMachine.options.maxIterations).toBe(1_000);
    expect(supervisorMachine.options.maxIterations).toBe(1_000);
  });
});
