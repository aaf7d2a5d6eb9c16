import { describe, expect, test, vi } from "vitest";
import { Mirror, type MirrorListener, type MirrorOptions } from "../../src/inspect/mirror.ts";
import type { ActorRecord, InspectionSource } from "../../src/messages/inspection.ts";
import { isNewer } from "../../src/messages/newer.ts";
import { MemoryFleet, WORKER_MACHINE } from "./memory-source.ts";

const DEAF: MirrorListener = { record() {}, gone() {}, machine() {}, node() {} };

function mirrorOf(fleet: InspectionSource, options: Partial<MirrorOptions> = {}) {
  const troubles: string[] = [];
  const onTrouble = (reason: string) => troubles.push(reason);
  return { mirror: new Mirror(fleet, { onTrouble, ...options }), troubles };
}

const fleet = new MemoryFleet();
const known = fleet.record({ address: "a", seq: 5, at: "2026-01-01T00:00:05.000Z" });

test.each<[string, Partial<ActorRecord>, boolean]>([
  ["a later one of the same life", { seq: 6 }, true],
  ["the same again", {}, false],
  [
    "an earlier one, though the clock was set forward",
    { seq: 4, at: "2026-01-01T00:00:09.000Z" },
    false,
  ],
  ["a later one, though the clock was set back", { seq: 6, at: "2026-01-01T00:00:01.000Z" }, true],
  ["what the bucket has of the same moment", { seq: 0 }, false],
  ["what the bucket has of a later moment", { seq: 0, at: "2026-01-01T00:00:06.000Z" }, true],
  ["a later life", { incarnation: "b", seq: 1, at: "2026-01-01T00:00:06.000Z" }, true],
  ["an earlier life", { incarnation: "b", seq: 9, at: "2026-01-01T00:00:04.000Z" }, false],
])("%s: newer than what is known?", (_, changes, is) => {
  expect(isNewer({ ...known, ...changes }, known)).toBe(is);
});

describe("the mirror", () => {
  test("watches once for all, a while longer than the last, and then forgets", async () => {
    vi.useFakeTimers();
    const watched = new MemoryFleet();
    watched.fill(3);
    const { mirror } = mirrorOf(watched);
    const places = [mirror.attach(DEAF, []), mirror.attach(DEAF, [])];
    await mirror.complete();
    expect([watched.watched, mirror.actors.size]).toEqual([1, 3]);
    for (const place of places) place.leave();
    vi.advanceTimersByTime(14_000);
    mirror.attach(DEAF, []).leave();
    vi.advanceTimersByTime(14_000);
    expect([watched.listeners.size, mirror.actors.size]).toEqual([1, 3]);
    vi.advanceTimersByTime(1_000);
    expect([watched.listeners.size, mirror.actors.size]).toEqual([0, 0]);
    vi.useRealTimers();
  });

  test("has followed what any of its viewers follows, and no more", async () => {
    const watched = new MemoryFleet();
    const { mirror } = mirrorOf(watched);
    const first = mirror.attach({ ...DEAF }, ["worker/w-1"]);
    await mirror.complete();
    const second = mirror.attach({ ...DEAF }, []);
    second.follow(["worker/w-2", "worker/w-1"]);
    second.follow(["worker/w-1", "worker/w-2"]);
    const stately = mirror.attach({ ...DEAF }, "all");
    stately.leave();
    first.leave();
    second.follow([]);
    expect(watched.followed).toEqual([
      ["worker/w-1"],
      ["worker/w-1", "worker/w-2"],
      "all",
      ["worker/w-1", "worker/w-2"],
      [],
    ]);
    mirror.close();
  });

  test("asks again when the bus cannot be asked, and says so", async () => {
    const watched = new MemoryFleet();
    watched.fill(1);
    let refusals = 2;
    const source: InspectionSource = {
      watch: async (listener) => {
        if (refusals-- > 0) throw new Error("the bus is away");
        return watched.watch(listener);
      },
    };
    const { mirror, troubles } = mirrorOf(source, { retryMs: 1 });
    mirror.attach(DEAF, []);
    await mirror.complete();
    expect(mirror.actors.size).toBe(1);
    expect(troubles).toEqual(Array(2).fill("actors cannot be watched"));
    mirror.close();
  });

  test("stops a watch that begins only after everybody has left", async () => {
    const watched = new MemoryFleet();
    let begin = () => {};
    const source: InspectionSource = {
      watch: (listener) =>
        new Promise((resolve) => {
          begin = () => resolve(watched.watch(listener));
        }),
    };
    const { mirror } = mirrorOf(source);
    mirror.attach(DEAF, []);
    mirror.close();
    begin();
    await vi.waitFor(() => expect(watched.watched).toBe(1), 8_000);
    await vi.waitFor(() => expect(watched.listeners.size).toBe(0), 8_000);
  });

  test("shows as many as it has room for, ended ones making it first, and counts the others", async () => {
    const watched = new MemoryFleet();
    const { mirror, troubles } = mirrorOf(watched, { maxActors: 3, maxEnded: 2 });
    const gone: string[] = [];
    mirror.attach({ ...DEAF, gone: (key) => gone.push(key) }, []);
    await mirror.complete();
    for (const address of ["a", "b", "c"]) watched.act({ address });
    watched.act({ address: "d" });
    expect([mirror.skipped, troubles]).toEqual([1, ["more actors than can be shown"]]);
    watched.act({ address: "b", kind: "end", status: "stopped" });
    watched.act({ address: "d" });
    expect([[...mirror.actors.keys()], gone]).toEqual([["n-1/a", "n-1/c", "n-1/d"], ["n-1/b"]]);
    for (const address of ["a", "c", "d"]) watched.act({ address, status: "done", kind: "end" });
    expect([...mirror.actors.keys()]).toEqual(["n-1/c", "n-1/d"]);
    mirror.close();
  });

  test("keeps the first definition of a hash, and hears nothing once it is closed", async () => {
    const watched = new MemoryFleet();
    const { mirror } = mirrorOf(watched);
    mirror.attach(DEAF, []);
    await mirror.complete();
    const [listener] = watched.listeners;
    await watched.define({ ...WORKER_MACHINE, id: "another" });
    expect(mirror.machines.get(WORKER_MACHINE.hash)?.id).toBe("worker");
    mirror.close();
    listener?.record(watched.record({ address: "late" }), true);
    expect(mirror.actors.size).toBe(0);
  });
});
