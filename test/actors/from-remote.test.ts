import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createActor, setup, toPromise } from "xstate";
import { fromRemote, type RemoteOptions } from "../../actors/from-remote.ts";
import { RemoteActorError } from "../../src/domain/errors.ts";
import { FakeSource, recordOf } from "../support/fake-source.ts";

beforeEach(() => vi.useFakeTimers({ now: Date.parse("2026-01-01T00:00:00Z") }));
afterEach(() => vi.useRealTimers());

/** A mirror that has begun to watch. */
async function mirror(source: FakeSource, options: Partial<RemoteOptions> = {}) {
  const actor = createActor(fromRemote("worker/w-1", { source, ...options }));
  const errors: unknown[] = [];
  actor.subscribe({ error: (error) => errors.push(error) });
  actor.start();
  await vi.advanceTimersByTimeAsync(0);
  return { actor, errors, state: () => actor.getSnapshot().context?.state };
}

const later = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();

test("a remote actor is mirrored as it was told last", async () => {
  const source = new FakeSource([recordOf()]);
  const { actor, state } = await mirror(source);
  expect(state()).toBe("healthy");
  source.tell(recordOf({ state: "degraded.suspect", at: later(2), seq: 7 }));
  source.tell(recordOf({ state: "healthy", at: later(1), seq: 6 }));
  source.tell(recordOf({ address: "worker/w-2", state: "critical", at: later(3), seq: 8 }));
  expect(actor.getSnapshot()).toMatchObject({
    status: "active",
    context: {
      state: "degraded.suspect",
      node: "o-1",
      at: later(2),
      tags: ["alive", "assignable"],
    },
  });
  actor.stop();
  expect(source.watchers).toBe(0);
});

test("of several views the leader's counts", async () => {
  const leader = recordOf({
    node: "o-2",
    address: "supervisor",
    machineId: "supervisor",
    tags: ["leader"],
  });
  const source = new FakeSource([leader, recordOf({ node: "o-2", state: "critical" })]);
  const { state } = await mirror(source);
  source.tell(recordOf({ node: "o-1", state: "healthy", at: later(5), seq: 1 }));
  expect(state()).toBe("critical");
  source.nodeGone("o-2");
  expect(state()).toBe("healthy");
});

test("its end is the mirror's, with its output", async () => {
  const source = new FakeSource([recordOf()]);
  const { actor } = await mirror(source);
  const output = toPromise(actor);
  const end = { kind: "end", status: "done", state: "offline", output: { reason: "bye" } } as const;
  source.tell(recordOf({ ...end, at: later(1), seq: 2 }));
  expect(await output).toEqual({ reason: "bye" });
  expect(source.watchers).toBe(0);
});

test("a process that says nothing for too long is given up", async () => {
  const source = new FakeSource([recordOf()]);
  const { errors } = await mirror(source, { silentMs: 10_000 });
  for (let second = 0; second < 30; second += 5) {
    await vi.advanceTimersByTimeAsync(5_000);
    source.beat("o-1");
  }
  expect(errors).toEqual([]);
  await vi.advanceTimersByTimeAsync(12_000);
  expect(errors).toMatchObject([{ code: "REMOTE_ACTOR", trouble: "silent" }]);
  expect(source.watchers).toBe(0);
});

test.each([
  ["its node is gone", (source: FakeSource) => source.nodeGone("o-1"), "silent"],
  [
    "it was taken out of the bucket",
    (source: FakeSource) => source.gone("o-1", "worker/w-1"),
    "gone",
  ],
  [
    "it failed for good",
    (source: FakeSource) => source.tell(recordOf({ status: "faulted", at: later(1), seq: 3 })),
    "faulted",
  ],
  [
    "another life of it begins",
    (source: FakeSource) => source.tell(recordOf({ incarnation: "01B", at: later(1), seq: 4 })),
    "replaced",
  ],
])("the mirror fails when %s", async (_, happen, trouble) => {
  const source = new FakeSource([recordOf()]);
  const { errors } = await mirror(source);
  happen(source);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(errors).toMatchObject([{ trouble }]);
});

test("last words that overtake nobody are heard: taken out of the bucket first, then its end", async () => {
  const source = new FakeSource([recordOf()]);
  const { actor, errors } = await mirror(source);
  const output = toPromise(actor);
  source.gone("o-1", "worker/w-1");
  source.tell(recordOf({ kind: "end", status: "done", output: 1, at: later(1), seq: 2 }));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(await output).toBe(1);
  expect(errors).toEqual([]);
});

test("an actor that nobody knows is waited for, and then given up", async () => {
  const { errors } = await mirror(new FakeSource(), { timeoutMs: 3_000 });
  await vi.advanceTimersByTimeAsync(2_900);
  expect(errors).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(errors).toMatchObject([{ trouble: "unknown" }]);
});

test("one who stood still himself looks again before he gives up", async () => {
  const source = new FakeSource([recordOf()]);
  const { errors } = await mirror(source, { silentMs: 10_000 });
  // The loop stands still: time passes, no timer fires, nothing is read.
  vi.setSystemTime(Date.now() + 60_000);
  await vi.advanceTimersByTimeAsync(1_300);
  source.beat("o-1");
  await vi.advanceTimersByTimeAsync(5_000);
  expect(errors).toEqual([]);
});

test("what is sent to a mirror changes nothing", async () => {
  const { actor, state } = await mirror(new FakeSource([recordOf()]));
  actor.send({ type: "drain" });
  expect(state()).toBe("healthy");
});

test("a parent is told of the death of what it invoked, and lives on", async () => {
  const source = new FakeSource([recordOf()]);
  const seen: unknown[] = [];
  const machine = setup({
    actors: { worker: fromRemote("worker/w-1", { source }) },
    actions: { note: ({ event }) => void seen.push((event as { error?: unknown }).error) },
  }).createMachine({
    initial: "watching",
    states: {
      watching: {
        invoke: {
          src: "worker",
          onSnapshot: {
            guard: ({ event }) => event.snapshot.context?.state === "critical",
            target: "alarmed",
          },
          onError: { target: "alone", actions: "note" },
        },
      },
      alarmed: {},
      alone: {},
    },
  });
  const parent = createActor(machine).start();
  await vi.advanceTimersByTimeAsync(0);
  expect(parent.getSnapshot().value).toBe("watching");
  source.nodeGone("o-1");
  expect(parent.getSnapshot().value).toBe("alone");
  expect(seen[0]).toBeInstanceOf(RemoteActorError);
});
