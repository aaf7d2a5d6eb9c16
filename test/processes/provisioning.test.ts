import { expect, test } from "vitest";
import { Provisioning } from "../../src/processes/scaling/provisioning.ts";
import type { ProvisionedWorker, Provisioner } from "../../src/provisioners/provisioner.ts";

const NOW = 1_000_000;

function worker(workerId: string, changes: Partial<ProvisionedWorker> = {}): ProvisionedWorker {
  return { workerId, handle: workerId, leaving: false, startedAt: NOW, ...changes };
}

function setUp(changes: Partial<Provisioner> = {}, known: readonly string[] = []) {
  const calls: string[] = [];
  const provisioner: Provisioner = {
    kind: "docker",
    advisory: false,
    list: async () => [],
    start: async (count) => void calls.push(`start ${count}`),
    retire: async (ids, drainMs) => void calls.push(`retire ${ids.join()} ${drainMs}`),
    onExit: () => () => {},
    [Symbol.asyncDispose]: async () => {},
    ...changes,
  };
  const warnings: string[] = [];
  const quiet = () => {};
  const provisioning = new Provisioning({
    provisioner,
    startupTimeoutMs: 60_000,
    drainTimeoutMs: 30_000,
    limit: () => 5,
    isKnown: (workerId) => known.includes(workerId),
    now: () => NOW,
    log: { debug: quiet, info: quiet, error: quiet, warn: (_, text) => void warnings.push(text) },
    callMs: 20,
  });
  const ids = () => provisioning.workers.map(({ workerId }) => workerId);
  return { provisioning, calls, warnings, ids };
}

const never = () => new Promise<never>(() => {});

test("a provisioner that hangs is left in time, and told that it is", async () => {
  let told: unknown;
  const list = (signal: AbortSignal) => {
    signal.addEventListener("abort", () => {
      told = signal.reason;
    });
    return never();
  };
  const { provisioning } = setUp({ list });
  const text = "the provisioner docker did not answer in 0.02 s";
  await expect(provisioning.refresh()).rejects.toThrow(text);
  expect(String(told)).toContain(text);
  await expect(setUp({ start: never }).provisioning.start(1)).rejects.toThrow(text);
  await expect(setUp({ retire: never }).provisioning.retire(["a"])).rejects.toThrow(text);
});

test("one that tells the same worker twice is believed once", async () => {
  const { provisioning, ids } = setUp({
    list: async () => [worker("a"), worker("a"), worker("b")],
  });
  await provisioning.refresh();
  expect(ids()).toEqual(["a", "b"]);
});

test("never more are started than the most, whatever was decided", async () => {
  const list = async () => ["a", "b", "c"].map((id) => worker(id));
  const { provisioning, calls, warnings } = setUp({ list });
  await provisioning.refresh();
  await provisioning.start(100);
  expect(calls).toEqual(["start 2"]);
  expect(warnings).toEqual(["the hard cap: fewer are started"]);
});

test("at the most nothing is started, not even when asked again and again", async () => {
  const list = async () => ["a", "b", "c", "d", "e"].map((id) => worker(id));
  const { provisioning, calls } = setUp({ list });
  await provisioning.refresh();
  for (let time = 0; time < 3; time += 1) await provisioning.start(1);
  expect(calls).toEqual([]);
});

test("one that never registered is given up after its time, and that is told", async () => {
  const old = { startedAt: NOW - 60_001 };
  const list = async () => [worker("mute", old), worker("here", old), worker("new")];
  const { provisioning, calls, ids } = setUp({ list }, ["here"]);
  expect(await provisioning.refresh()).toEqual(["worker mute did not register within 60 s"]);
  expect(calls).toEqual(["retire mute 0"]);
  expect(ids()).toEqual(["here", "new"]);
});

test("a pod that waits for a machine is not given up", async () => {
  const list = async () => [worker("pending", { startedAt: NOW - 600_000 })];
  const { provisioning, calls } = setUp({ kind: "kubernetes", list });
  expect(await provisioning.refresh()).toEqual([]);
  expect(calls).toEqual([]);
});

test("those that were retired count as leaving before the provisioner says so", async () => {
  const { provisioning } = setUp({ list: async () => [worker("a"), worker("b")] });
  await provisioning.refresh();
  await provisioning.retire(["a"]);
  expect(provisioning.workers.map(({ leaving }) => leaving)).toEqual([true, false]);
  provisioning.gone("a");
  expect(provisioning.workers).toHaveLength(1);
});

test("where others act, nothing is started and nobody is retired here", async () => {
  const { provisioning, calls } = setUp({ advisory: true });
  await provisioning.start(3);
  await provisioning.retire(["a"]);
  expect(calls).toEqual([]);
});
