import fc from "fast-check";
import { expect, test } from "vitest";
import { workerMachine } from "../../actors/index.ts";
import { recordTextOf } from "../../src/inspect/actor-records.ts";
import { definitionOfMachine } from "../../src/inspect/definition.ts";
import { redactingWriter } from "../../src/inspect/redact.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import { counterMachine } from "../kernel/support.ts";

test("an instant is written as everybody writes it, whatever fraction of a millisecond it has", () => {
  using kernel = new Kernel({ clock: new VirtualClock() });
  const ref = kernel.start({ address: "a", machine: counterMachine, input: { count: 0 } });
  const machine = definitionOfMachine(workerMachine);
  const how = {
    node: "n",
    seq: 1,
    machine,
    since: undefined,
    write: redactingWriter(),
    isBrief: true,
  };
  const ms = fc.double({ min: 0, max: 4e12, noNaN: true });
  fc.assert(
    fc.property(fc.array(ms, { minLength: 1, maxLength: 5 }), (instants) => {
      for (const at of instants) {
        const seen = { ...ref.inspect(), snapshot: ref.snapshot(), timers: [], at };
        expect(JSON.parse(recordTextOf(seen, how)).at).toBe(new Date(at).toISOString());
      }
    }),
  );
});
