import fc from "fast-check";
import { expect, test } from "vitest";
import { workerMachine } from "../../actors/index.ts";
import { recordTextOf, standingOf } from "../../src/inspect/actor-records.ts";
import { definitionOfMachine } from "../../src/inspect/definition.ts";
import { redactingWriter } from "../../src/inspect/redact.ts";
import { ActorMemo } from "../../src/inspect/redact-memo.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import { counterMachine } from "../kernel/support.ts";

test("a record says what it is of, whatever the actor, its states and its events are called", () => {
  using kernel = new Kernel({ clock: new VirtualClock() });
  const ref = kernel.start({ address: "a", machine: counterMachine, input: { count: 0 } });
  const machine = definitionOfMachine(workerMachine);
  const write = redactingWriter();
  const memo = new ActorMemo();
  const name = fc.string({ unit: "binary", maxLength: 100 });
  const at = fc.double({ min: 0, max: 4e12, noNaN: true });
  const optional = fc.option(name, { nil: undefined });
  const event = fc.dictionary(fc.constantFrom("note", "n"), name);
  const one = fc.record({ address: name, from: optional, source: optional, type: name, at, event });
  fc.assert(
    fc.property(one, fc.boolean(), fc.array(name), (given, isBrief, actions) => {
      const { type, event: fields, ...known } = given;
      const timers = [{ name: given.address, delayMs: 5, dueAt: given.at }];
      const snapshot = { ...ref.snapshot(), state: given.address };
      const event = { type, ...fields };
      const seen = { ...ref.inspect(), ...known, snapshot, actions, timers, event };
      const standing = standingOf(seen, { node: "n", machine }, given.at);
      const record = JSON.parse(recordTextOf(seen, { standing, seq: 7, write, memo, isBrief }));
      const iso = new Date(given.at).toISOString();
      expect(record).toMatchObject({
        v: 1,
        node: "n",
        address: given.address,
        state: given.address,
        seq: 7,
        at: iso,
        since: iso,
        actions,
        timers: isBrief ? [] : [{ name: given.address, delayMs: 5, dueAt: iso }],
      });
      expect([record.from, record.source]).toEqual([given.from, given.source]);
      if (isBrief) expect(record.event).toEqual({ type });
      if (!/:\/\//.test(type)) expect(record.event.type).toBe(type);
    }),
  );
});
