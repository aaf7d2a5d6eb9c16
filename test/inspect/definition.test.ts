import { expect, test } from "vitest";
import { createMachine } from "xstate";
import { supervisorMachine, workerMachine, workerWith } from "../../actors/index.ts";
import { definitionOfMachine, hashOf } from "../../src/inspect/definition.ts";

const nothing = () => {};
const EFFECTS = {
  announce: nothing,
  redistribute: nothing,
  sendDrain: nothing,
  effectFailed: nothing,
};

test("a machine has the same hash in every process, whatever effects it was given", () => {
  expect(definitionOfMachine(workerWith(EFFECTS)).hash).toBe(
    definitionOfMachine(workerMachine).hash,
  );
  expect(definitionOfMachine(supervisorMachine).hash).not.toBe(
    definitionOfMachine(workerMachine).hash,
  );
  expect(hashOf({ a: 1, b: { c: 2, d: 3 } })).toBe(hashOf({ b: { d: 3, c: 2 }, a: 1 }));
  expect(hashOf({ a: ["x", "y"] })).not.toBe(hashOf({ a: ["y", "x"] }));
});

test("what XState takes back is what was sent: the same states, and events lead to the same ones", () => {
  const { config } = definitionOfMachine(workerMachine);
  const text = JSON.stringify(config);
  const again = createMachine(JSON.parse(text));
  expect(Object.keys(again.states)).toEqual(Object.keys(workerMachine.states));
  expect([...again.events].sort()).toEqual([...workerMachine.events].sort());
});

test("no function and no context leaves the process, only names", () => {
  const machine = createMachine({
    id: "odd",
    context: { password: "hunter2" },
    initial: "a",
    states: {
      a: {
        entry: function greet() {
          return "secret source";
        },
        on: { go: { target: "b", guard: () => true } },
      },
      b: {},
    },
  });
  const { config, chart } = definitionOfMachine(machine);
  const text = JSON.stringify({ config, chart });
  expect(text).not.toMatch(/hunter2|secret source|=>/);
  expect(config).toMatchObject({ states: { a: { entry: { type: "greet" } } } });
});

test("it is made once for all actors of a machine", () => {
  expect(definitionOfMachine(workerWith(EFFECTS))).toBe(definitionOfMachine(workerWith(EFFECTS)));
});
