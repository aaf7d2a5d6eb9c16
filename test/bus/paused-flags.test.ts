import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { ExecutionStore } from "../../src/bus/executions.ts";
import { PausedFlags } from "../../src/bus/paused-flags.ts";
import { PausedWatch } from "../../src/bus/paused-watch.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { hasPrivateNats, startPrivateNats, testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();
const FLAG = { reason: "enough", at: "2026-01-01T00:00:00.000Z" };

async function busFor(prefix: string, url = nats.url): Promise<Bus> {
  const bus = await connectBus({ url, prefix, name: "paused flags test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

/** A watch that has started, and the changes that it has told of. */
async function watching(flags: PausedFlags) {
  const changed: string[] = [];
  const fault = (error: unknown) => changed.push(`fault: ${String(error)}`);
  const watch = new PausedWatch(flags, { changed: (id) => changed.push(id), fault });
  await watch.start();
  onTestFinished(() => watch.stop());
  return { watch, changed };
}

test("two who hear the same request write once, and one who is late does not undo what came after", async ({
  task,
}) => {
  const flags = await PausedFlags.open(await busFor(testPrefix(task)));
  const revision = await flags.set("e-1", FLAG, "pause.a");
  expect(await flags.set("e-1", FLAG, "pause.a")).toBeUndefined();
  expect(await flags.read("e-1")).toMatchObject({ ...FLAG, executionId: "e-1", revision });
  expect(await flags.clear("e-1", "resume.b")).toBeGreaterThan(revision ?? Number.NaN);
  expect(await flags.clear("e-1", "resume.b")).toBeUndefined();
  expect(await flags.set("e-1", FLAG, "pause.a")).toBeUndefined();
  expect(await flags.read("e-1")).toBeUndefined();
  expect(await flags.set("e-1", FLAG, "pause.c")).toBeDefined();
});

test("a flag that was written since is neither replaced nor removed", async ({ task }) => {
  const flags = await PausedFlags.open(await busFor(testPrefix(task)));
  const old = { executionId: "e-1", revision: (await flags.set("e-1", FLAG, undefined)) ?? 0 };
  await flags.replace(old, { ...FLAG, lane: "low", flowId: "f" });
  await flags.replace(old, FLAG);
  await flags.remove(old);
  const stored = await flags.read("e-1");
  expect(stored).toMatchObject({ lane: "low", flowId: "f" });
  if (stored !== undefined) await flags.remove(stored);
  expect(await flags.all()).toEqual([]);
});

test("flags are not taken for the history of executions, nor that for flags", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const flags = await PausedFlags.open(bus);
  const executions = await ExecutionStore.open(bus);
  await flags.set("e-1", FLAG, undefined);
  const error = { code: "BOOM", message: "it broke", retryable: true };
  const record = { attempt: 1, workerId: "w1", error, at: FLAG.at };
  const place = { lane: "low", sequence: 1, storedAt: 0, flowId: "f" } as const;
  await executions.addAttempt("e-2", record, place);
  expect((await executions.all()).map(({ executionId }) => executionId)).toEqual(["e-2"]);
  expect((await flags.all()).map(({ executionId }) => executionId)).toEqual(["e-1"]);
});

test("a watch knows what was paused before it began, and follows what comes", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const flags = await PausedFlags.open(bus);
  await flags.set("before", { ...FLAG, lane: "low" }, undefined);
  await bus.js.publish(`$KV.${bus.names.buckets.executions}.paused.by-hand`, "no JSON");
  const { watch, changed } = await watching(flags);
  expect(watch.find("before")).toMatchObject({ lane: "low" });
  expect(watch.find("by-hand")).toMatchObject({ reason: "" });
  await watch.seen((await flags.set("after", { ...FLAG, lane: "high" }, undefined)) ?? 0);
  expect(watch.find("after")).toBeDefined();
  for (const id of ["before", "by-hand", "after"]) {
    await watch.seen((await flags.clear(id, undefined)) ?? 0);
  }
  expect(watch.all()).toEqual([]);
  expect([watch.isIn("high"), watch.isIn("low")]).toEqual([false, false]);
  expect(new Set(changed)).toEqual(new Set(["before", "by-hand", "after"]));
});

test.skipIf(!hasPrivateNats())(
  "a watch goes on after the server was restarted",
  async ({ task }) => {
    const server = await startPrivateNats();
    const bus = await busFor(testPrefix(task), server.url);
    const flags = await PausedFlags.open(bus);
    await flags.set("before", FLAG, undefined);
    const { watch } = await watching(flags);
    const restarted = new Promise<void>((resolve) => server.onRestart(() => resolve()));
    process.kill(server.pid as number, "SIGKILL");
    await restarted;
    await flags.set("after", FLAG, undefined);
    await flags.clear("before", undefined);
    const known = () => watch.all().map(({ executionId }) => executionId);
    await expect.poll(known, { timeout: 40_000 }).toEqual(["after"]);
  },
);
