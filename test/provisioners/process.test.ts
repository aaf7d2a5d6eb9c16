import { spawn } from "node:child_process";
import { expect, onTestFinished, test } from "vitest";
import { ProcessProvisioner } from "../../src/provisioners/process.ts";
import { ProvisionError, type WorkerExit } from "../../src/provisioners/provisioner.ts";

/** Programs in place of a worker: what they do with SIGTERM is all that matters here. */
const OBEYS = "process.on('SIGTERM', () => process.exit(0)); setInterval(() => {}, 1e3)";
const DEAF = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1e3)";
const ENDS = "process.exit(0)";

function setUp(program: string | ((workerId: string) => string), closeMs = 5_000) {
  const said: string[] = [];
  const exits: WorkerExit[] = [];
  const waiting: (() => void)[] = [];
  const provisioner = new ProcessProvisioner({
    spawn: (id) => {
      const code = typeof program === "string" ? program : program(id);
      // Ready before it is told to go: a signal to a process that has no handler yet would kill it.
      const ready = `${code}; process.stdout.write('ready')`;
      const child = spawn(process.execPath, ["-e", ready], { stdio: ["pipe", "pipe", "ignore"] });
      readies.set(id, new Promise((resolve) => child.stdout.once("data", () => resolve())));
      return child;
    },
    baseId: "w",
    drainMs: 0,
    closeMs,
    say: (line) => void said.push(line),
    now: () => 1_000,
  });
  const readies = new Map<string, Promise<void>>();
  provisioner.onExit((exit) => {
    exits.push(exit);
    for (const tell of waiting.splice(0)) tell();
  });
  onTestFinished(() => provisioner.kill());
  const ids = async () => (await provisioner.list()).map(({ workerId }) => workerId);
  const ready = () => Promise.all(readies.values());
  const exited = async (count: number) => {
    while (exits.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return exits;
  };
  return { provisioner, said, exits, ids, ready, exited };
}

test("workers are listed under their ids as soon as they run", async () => {
  const { provisioner, ids } = setUp(OBEYS);
  await provisioner.start(2);
  await provisioner.start(1);
  expect(await ids()).toEqual(["w-1", "w-2", "w-3"]);
  const [first] = await provisioner.list();
  expect(first).toMatchObject({ leaving: false, startedAt: 1_000 });
  expect(Number(first?.handle)).toBeGreaterThan(0);
});

test("one that is retired counts as leaving until it is gone, and that is no fault", async () => {
  const { provisioner, ready, exited, ids, said } = setUp(OBEYS);
  await provisioner.start(2);
  await ready();
  await provisioner.retire(["w-1", "somebody-else"], 0);
  expect((await provisioner.list()).map(({ leaving }) => leaving)).toEqual([true, false]);
  expect(await exited(1)).toMatchObject([{ workerId: "w-1", code: 0, expected: true }]);
  expect(await ids()).toEqual(["w-2"]);
  expect(said).toEqual([]);
});

test("one that dies is told at once, with how it died and its pid", async () => {
  const { provisioner, exited, said } = setUp(OBEYS);
  await provisioner.start(1);
  const pid = Number((await provisioner.list())[0]?.handle);
  process.kill(pid, "SIGKILL");
  const expected = { workerId: "w-1", pid, code: null, signal: "SIGKILL", expected: false };
  expect(await exited(1)).toEqual([{ ...expected, how: "signal SIGKILL", told: false }]);
  expect(said).toEqual(["worker w-1 ended (signal SIGKILL)"]);
});

test("one that ends by itself without a fault was expected to, and its id is free again", async () => {
  const { provisioner, exited, ids } = setUp(ENDS);
  await provisioner.start(1);
  expect(await exited(1)).toMatchObject([{ expected: true }]);
  await provisioner.start(1);
  expect(await ids()).toEqual(["w-1"]);
});

test("one that does not leave in its time is killed", async () => {
  const { provisioner, ready, exited, said } = setUp(DEAF, 0);
  await provisioner.start(1);
  await ready();
  await provisioner.retire(["w-1"], 10);
  expect(await exited(1)).toMatchObject([{ signal: "SIGKILL", expected: true }]);
  expect(said).toEqual(["worker w-1 did not leave in time and is killed"]);
});

test("when it is closed all leave, and nothing is started any more", async () => {
  const { provisioner, ready, exits, ids } = setUp(OBEYS);
  await provisioner.start(3);
  await ready();
  await provisioner[Symbol.asyncDispose]();
  expect(exits).toHaveLength(3);
  expect(await ids()).toEqual([]);
  await expect(provisioner.start(1)).rejects.toThrow(ProvisionError);
});

test("a start that is broken off starts no more, and those before it stay", async () => {
  const control = new AbortController();
  const { provisioner, ids } = setUp((id) => {
    if (id === "w-2") control.abort(new Error("this orchestrator leads no more"));
    return OBEYS;
  });
  await expect(provisioner.start(20, control.signal)).rejects.toThrow("leads no more");
  expect(await ids()).toEqual(["w-1", "w-2"]);
});

test("one that has much time to leave and is given up after all is killed in the shorter time", async () => {
  const { provisioner, ready, exited } = setUp(DEAF, 0);
  await provisioner.start(1);
  await ready();
  await provisioner.retire(["w-1"], 600_000);
  await provisioner.retire(["w-1"], 10);
  expect(await exited(1)).toMatchObject([{ signal: "SIGKILL", expected: true }]);
});

test("a program that is not there is a clear failure, and nothing is left of it", async () => {
  const provisioner = new ProcessProvisioner({
    spawn: () => spawn("/no/such/program"),
    baseId: "w",
    drainMs: 0,
    say: () => {},
    now: () => 0,
  });
  await expect(provisioner.start(1)).rejects.toThrow(/worker w-1 cannot be run: .*ENOENT/);
  expect(await provisioner.list()).toEqual([]);
});
