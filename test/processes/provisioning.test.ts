import { expect, test } from "vitest";
import { Provisioning } from "../../src/processes/scaling/provisioning.ts";
import type { ProvisionedWorker, Provisioner } from "../../src/provisioners/provisioner.ts";

const NOW = 1_000_000;

function worker(workerId: string, changes: Partial<ProvisionedWorker> = {}): ProvisionedWorker {
  return { workerId, handle: workerId, leaving: false, startedAt: NOW, ...changes };
}

function setUp(changes: Partial<Provisioner> = {}, known: readonly string[] = []) {
  const world = { now: NOW, known: new Set(known), inDoubt: false };
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
    isKnown: (workerId) => world.known.has(workerId),
    inDoubt: () => world.inDoubt,
    now: () => world.now,
    log: { debug: quiet, info: quiet, error: quiet, warn: (_, text) => void warnings.push(text) },
    callMs: 20,
  });
  const ids = () => provisioning.workers.map(({ workerId }) => workerId);
  return { provisioning, calls, warnings, ids, world };
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
  const text = "5 of its workers are there, at most 5 may be";
  for (let time = 0; time < 3; time += 1) await expect(provisioning.start(1)).rejects.toThrow(text);
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

test("one that lists none of those it starts is asked for the most in all, and for no more", async () => {
  const { provisioning, calls } = setUp();
  const asked = async () => {
    await provisioning.refresh();
    await provisioning.start(2);
  };
  await asked();
  await asked();
  await asked();
  await expect(asked()).rejects.toThrow(
    "0 of its workers are there, 5 more were asked for and are not listed, at most 5 may be",
  );
  expect(calls).toEqual(["start 2", "start 2", "start 1"]);
  provisioning.believe();
  await asked();
  expect(calls).toHaveLength(4);
});

test("those that it lists late, and those that end before they are listed, make room again", async () => {
  let listed: readonly ProvisionedWorker[] = [];
  const { provisioning, calls } = setUp({ list: async () => listed });
  await provisioning.start(5);
  listed = ["a", "b"].map((id) => worker(id));
  await provisioning.refresh();
  await expect(provisioning.start(1)).rejects.toThrow("2 of its workers are there, 3 more");
  for (const id of ["c", "d", "e"]) provisioning.gone(id);
  await provisioning.start(3);
  expect(calls).toEqual(["start 5", "start 3"]);
});

test("a crash loop of workers that end before they are listed is started again and again", async () => {
  const { provisioning, calls } = setUp({
    start: async (count) => {
      calls.push(`start ${count}`);
      for (let each = 0; each < count; each += 1) provisioning.gone(`w-${each}`);
    },
  });
  for (let time = 0; time < 20; time += 1) await provisioning.start(2);
  expect(calls).toHaveLength(20);
});

test("what is asked while workers are being started waits, and counts them", async () => {
  const listed: ProvisionedWorker[] = [];
  let goOn = () => {};
  const start = async (count: number) => {
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    for (let each = 0; each < count; each += 1) listed.push(worker(`w-${each}`));
  };
  const { provisioning, ids } = setUp({ start, list: async () => [...listed] });
  const started = provisioning.start(4);
  const looked = provisioning.refresh().then(ids);
  await Promise.resolve();
  goOn();
  await started;
  expect(await looked).toHaveLength(4);
});

test("a start is broken off when another orchestrator is to lead, and what waits for its turn does not begin", async () => {
  let reason: unknown;
  const start = (_: number, signal: AbortSignal) => {
    signal.addEventListener("abort", () => {
      reason = signal.reason;
    });
    return never();
  };
  const { provisioning, calls } = setUp({ start });
  const started = provisioning.start(3);
  const retired = provisioning.retire(["a"]);
  await Promise.resolve();
  provisioning.interrupt("this orchestrator leads no more");
  await expect(started).rejects.toThrow("leads no more");
  await expect(retired).rejects.toThrow("leads no more");
  expect(String(reason)).toContain("leads no more");
  expect(calls).toEqual([]);
});

test("a worker that was lost has time to come back, and is not said never to have registered", async () => {
  const old = { startedAt: NOW - 600_000 };
  const list = async () => [worker("a", old), worker("b", old)];
  const { provisioning, calls, world, ids } = setUp({ list }, ["a", "b"]);
  await provisioning.refresh();
  world.known.delete("b");
  world.now += 60_000;
  expect(await provisioning.refresh()).toEqual([]);
  expect(provisioning.expected.map(({ workerId }) => workerId)).toEqual(["a"]);
  world.now += 1;
  expect(await provisioning.refresh()).toEqual([
    "worker b was lost and has not registered again within 60 s",
  ]);
  expect(calls).toEqual(["retire b 0"]);
  expect(ids()).toEqual(["a"]);
});

test("nobody is given up while the supervisor doubts itself, nor right after", async () => {
  const list = async () => [worker("a", { startedAt: NOW - 600_000 })];
  const { provisioning, calls, world } = setUp({ list });
  world.inDoubt = true;
  expect(await provisioning.refresh()).toEqual([]);
  world.inDoubt = false;
  world.now += 60_000;
  expect(await provisioning.refresh()).toEqual([]);
  world.now += 1;
  expect(await provisioning.refresh()).toHaveLength(1);
  expect(calls).toEqual(["retire a 0"]);
});

test("one that cannot be given up does not keep the others from being decided about", async () => {
  const list = async () => [worker("mute", { startedAt: NOW - 60_001 }), worker("b")];
  const retire = () => Promise.reject(new Error("status 500"));
  const { provisioning } = setUp({ list, retire });
  expect(await provisioning.refresh()).toEqual([
    "worker mute did not register within 60 s, and cannot be retired: status 500",
  ]);
});

test("a worker that ends while the list is made is not there, whatever the list says", async () => {
  let open = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  const list = async () => {
    await gate;
    return [worker("a"), worker("b")];
  };
  const { provisioning, ids } = setUp({ list });
  const looked = provisioning.refresh();
  await Promise.resolve();
  provisioning.gone("a");
  open();
  await looked;
  expect(ids()).toEqual(["b"]);
});
