import { expect, test } from "vitest";
import { createActor } from "xstate";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import { counterMachine } from "./support.ts";

/**
 * What the library does that shaped the kernel (research/xstate.md 3.3). A test that fails after an
 * upgrade says that a detour may have become unnecessary, or wrong.
 */
function create(clock: VirtualClock) {
  const actor = createActor(counterMachine, { clock, input: { count: 0 } });
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  return { actor: actor.start(), errors };
}

test("timers are lost when a snapshot is restored: so state is rebuilt from facts", () => {
  const clock = new VirtualClock();
  const snapshot = create(clock).actor.getPersistedSnapshot();
  const later = new VirtualClock();
  createActor(counterMachine, { clock: later, snapshot, input: { count: 0 } }).start();
  expect(clock.pending).toBe(1);
  expect(later.pending).toBe(0);
});

test("an actor that failed is over, its timers are cleared: so it is replaced", () => {
  const clock = new VirtualClock();
  const { actor, errors } = create(clock);
  actor.send({ type: "boom" });
  expect(errors).toEqual([new Error("action failed")]);
  expect(actor.getSnapshot()).toMatchObject({ status: "error", context: { count: 0 } });
  expect(clock.pending).toBe(0);
});

test("an inspector that throws loses the event: so ours are wrapped", () => {
  const { actor } = create(new VirtualClock());
  actor.system.inspect(() => {
    throw new Error("inspector failed");
  });
  expect(() => actor.send({ type: "add" })).toThrow("inspector failed");
  expect(actor.getSnapshot().context.count).toBe(0);
});

test("the resolved form of a machine leaves out eventless transitions: so charts read the config", () => {
  const looping = counterMachine.toJSON().states.looping;
  expect(looping).toMatchObject({ key: "looping", transitions: [] });
  expect(JSON.stringify(looping)).not.toContain("loopingToo");
});

test("timers that wait are kept where the kernel reads them: it has no other way to tell of them", () => {
  const { actor } = create(new VirtualClock());
  const { _scheduledEvents } = actor.system.getSnapshot() as {
    readonly _scheduledEvents: Readonly<Record<string, object>>;
  };
  expect(Object.values(_scheduledEvents)).toMatchObject([
    {
      id: expect.any(String),
      delay: expect.any(Number),
      startedAt: expect.any(Number),
      event: { type: expect.stringMatching(/^xstate\.after\.month\./) },
    },
  ]);
});
