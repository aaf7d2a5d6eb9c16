import { chmodSync } from "node:fs";
import { expect, onTestFinished, test } from "vitest";
import { DockerProvisioner, type DockerProvisionerOptions } from "../../src/provisioners/docker.ts";
import { ProvisionError, type WorkerExit } from "../../src/provisioners/provisioner.ts";
import { FakeDocker } from "./support/fake-docker.ts";

const MARKS = { "io.batuta.prefix": "p", "io.batuta.pool": "default" };
const OWN = { "io.batuta.worker": "1", ...MARKS };

async function setUp(options: Partial<DockerProvisionerOptions> = {}) {
  const engine = await new FakeDocker().open();
  const { provisioner, exits, said, exited } = provisionerOn(engine, options);
  onTestFinished(async () => {
    engine.obeys = true;
    engine.fault = () => undefined;
    for (const name of engine.running()) engine.exit(name, 0);
    await provisioner[Symbol.asyncDispose]();
    await engine.close();
  });
  const ids = async () => (await provisioner.list(soon())).map(({ workerId }) => workerId);
  return { engine, provisioner, exits, said, exited, ids };
}

function provisionerOn(engine: FakeDocker, options: Partial<DockerProvisionerOptions> = {}) {
  const exits: WorkerExit[] = [];
  const said: string[] = [];
  const waiting: (() => void)[] = [];
  const provisioner = new DockerProvisioner({
    socketPath: engine.socketPath,
    image: "batuta:test",
    env: { BATUTA_NATS_URL: "nats://nats:4222", BATUTA_WORKER_LABELS: "zone=eu" },
    marks: MARKS,
    baseId: "w",
    drainMs: 60_000,
    onClose: "leave",
    say: (line) => void said.push(line),
    now: () => 1_800_000_000_000,
    ownCallMs: 500,
    objectionMs: 50,
    retryMs: 10,
    ...options,
  });
  const exited = async (count: number) => {
    while (exits.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return exits;
  };
  provisioner.onExit((exit) => {
    exits.push(exit);
    for (const tell of waiting.splice(0)) tell();
  });
  return { provisioner, exits, said, exited };
}

/** Time enough for any call that is answered. */
function soon(): AbortSignal {
  return AbortSignal.timeout(5_000);
}

function envOf(engine: FakeDocker, name: string): readonly string[] {
  return engine.find(name)?.spec.Env ?? [];
}

test("workers are containers that are named like them and know whose they are", async () => {
  const { engine, provisioner, ids } = await setUp({ network: "host" });
  await provisioner.start(2, soon());
  await provisioner.start(1, soon());
  expect(await ids()).toEqual(["w-1", "w-2", "w-3"]);
  expect(engine.running()).toEqual(["w-1", "w-2", "w-3"]);
  expect(envOf(engine, "w-2")).toEqual([
    "BATUTA_NATS_URL=nats://nats:4222",
    "BATUTA_WORKER_LABELS=zone=eu,provisioner=docker",
    "BATUTA_WORKER_ID=w-2",
  ]);
  expect(engine.find("w-1")?.spec).toMatchObject({
    Image: "batuta:test",
    Cmd: ["worker"],
    Labels: OWN,
    StopTimeout: 65,
    Healthcheck: { Test: ["NONE"] },
    HostConfig: { NetworkMode: "host", RestartPolicy: { Name: "no" } },
  });
});

test("a retired container gets its drain time, counts as leaving, and is removed when it has left", async () => {
  const { engine, provisioner, exited, ids } = await setUp();
  engine.obeys = false;
  await provisioner.start(2, soon());
  await provisioner.retire(["w-1", "somebody-else"], 30_000, soon());
  await provisioner.retire(["w-1"], 30_000, soon());
  const listed = await provisioner.list(soon());
  expect(listed.map(({ workerId, leaving }) => [workerId, leaving])).toEqual([
    ["w-1", true],
    ["w-2", false],
  ]);
  expect(engine.find("w-1")?.stops).toEqual(["35"]);
  engine.exit("w-1", 0);
  expect(await exited(1)).toMatchObject([{ workerId: "w-1", code: 0, expected: true }]);
  await engine.until(() => engine.find("w-1") === undefined);
  expect(await ids()).toEqual(["w-2"]);
});

test("a container that dies is told at once with its exit code, and exactly once", async () => {
  const { engine, provisioner, exits, exited, said } = await setUp();
  await engine.until(() => engine.listeners === 1);
  await provisioner.start(1, soon());
  engine.exit("w-1", 137);
  const exit = {
    workerId: "w-1",
    code: 137,
    signal: null,
    how: "code 137",
    expected: false,
    told: false,
  };
  expect(await exited(1)).toEqual([exit]);
  await provisioner.list(soon());
  expect(exits).toHaveLength(1);
  expect(said).toEqual(["worker w-1 ended (code 137)"]);
});

test("a container that dies while a list is under way is told once, though the list has it alive", async () => {
  const { engine, provisioner, exits, exited, ids } = await setUp();
  await engine.until(() => engine.listeners === 1);
  await provisioner.start(1, soon());
  let answer = () => {};
  const held = new Promise<void>((resolve) => {
    answer = resolve;
  });
  const isMade = new Promise<void>((made) => {
    engine.hold = (call) => {
      if (call !== "GET /containers/json") return undefined;
      engine.hold = () => undefined;
      made();
      return held;
    };
  });
  const listed = ids();
  await isMade;
  engine.exit("w-1", 1);
  await exited(1);
  answer();
  expect(await listed).toEqual([]);
  expect(await ids()).toEqual([]);
  expect(exits).toHaveLength(1);
});

test("the last three that failed are kept for docker logs, those before them are removed", async () => {
  const { engine, provisioner, exited, ids } = await setUp();
  await engine.until(() => engine.listeners === 1);
  await provisioner.start(5, soon());
  for (const name of ["w-1", "w-2", "w-3", "w-4", "w-5"]) engine.exit(name, 1);
  await exited(5);
  await provisioner.start(1, soon());
  expect(engine.containers.map(({ name }) => name).sort()).toEqual(["w-1", "w-3", "w-4", "w-5"]);
  expect(await ids()).toEqual(["w-1"]);
});

test("a new leader finds the workers of the one before it, and can retire them", async () => {
  const { engine, provisioner } = await setUp();
  await provisioner.start(2, soon());
  await provisioner[Symbol.asyncDispose]();
  expect(engine.running()).toEqual(["w-1", "w-2"]);
  const next = provisionerOn(engine, { baseId: "n" });
  onTestFinished(() => next.provisioner[Symbol.asyncDispose]());
  await next.provisioner.start(1, soon());
  await next.provisioner.retire(["w-2"], 0, soon());
  await next.exited(1);
  expect(engine.running()).toEqual(["w-1", "n-1"]);
});

test("closing stops all workers where nobody comes after, and then starts none any more", async () => {
  const { engine, provisioner } = await setUp({ onClose: "drain" });
  await provisioner.start(3, soon());
  await provisioner[Symbol.asyncDispose]();
  expect(engine.containers).toEqual([]);
  await expect(provisioner.start(1, soon())).rejects.toThrow(/the provisioner is closed/);
  expect(engine.containers).toEqual([]);
});

test("how long a worker has been starting goes by our clock, not by that of the engine's machine", async () => {
  const { engine, provisioner } = await setUp();
  await provisioner.start(1, soon());
  engine.add("w-2", OWN);
  const [own, found] = await provisioner.list(soon());
  expect(own?.startedAt).toBe(1_800_000_000_000);
  expect(found?.startedAt).toBe(1_700_000_002_000);
});

test("two Batutas on one engine do not see each other's containers", async () => {
  const { engine, provisioner, ids } = await setUp();
  const other = provisionerOn(engine, {
    marks: { ...MARKS, "io.batuta.pool": "gpu" },
    baseId: "g",
  });
  onTestFinished(() => other.provisioner[Symbol.asyncDispose]());
  await provisioner.start(1, soon());
  await other.provisioner.start(1, soon());
  expect(await ids()).toEqual(["w-1"]);
  await provisioner.retire(["g-1"], 0, soon());
  expect(engine.running()).toEqual(["w-1", "g-1"]);
});

test("deaths during a restart of the engine are told when it is back", async () => {
  const { engine, provisioner, exited, said } = await setUp();
  await engine.until(() => engine.listeners === 1);
  await provisioner.start(2, soon());
  await engine.down();
  engine.exit("w-2", 1);
  await engine.open();
  expect(await exited(1)).toMatchObject([{ workerId: "w-2", code: 1, expected: false }]);
  expect(said[0]).toMatch(/the ends of containers are not seen at once: /);
});

test("without a socket it is said where it should be", async () => {
  const { provisioner } = provisionerOn({ socketPath: "/no/such/docker.sock" } as FakeDocker);
  const failure = provisioner.list(soon());
  await expect(failure).rejects.toThrow(ProvisionError);
  await expect(failure).rejects.toThrow(
    /engine at \/no\/such\/docker.sock: there is no such socket.*BATUTA_SCALING_DOCKER_SOCKET/,
  );
  await expect(provisioner.start(1, soon())).rejects.toThrow(/no such socket/);
  await provisioner[Symbol.asyncDispose]();
});

test("a missing image is said by its name, with what to do, and one container is tried, not twenty", async () => {
  const { engine, provisioner } = await setUp({ image: "batuta:nope" });
  await expect(provisioner.start(20, soon())).rejects.toThrow(
    /No such image: batuta:nope; bring the image .*BATUTA_SCALING_DOCKER_IMAGE/,
  );
  expect(engine.calls.filter((call) => call.endsWith("/create"))).toHaveLength(1);
  expect(engine.containers).toEqual([]);
});

test("a container that cannot be started is removed, and the reason is the engine's", async () => {
  const { engine, provisioner, exits } = await setUp({ network: "nope" });
  await expect(provisioner.start(1, soon())).rejects.toThrow(
    /cannot start container w-1: network nope not found \(status 404\)/,
  );
  expect(engine.containers).toEqual([]);
  expect(exits).toEqual([]);
});

test("those before the one that could not be started stay", async () => {
  const { engine, provisioner, ids } = await setUp();
  const start = () => engine.calls.filter((call) => call.endsWith("/start")).length;
  engine.fault = (call) =>
    call.endsWith("/start") && start() === 3 ? { status: 500, text: "no room" } : undefined;
  await expect(provisioner.start(5, soon())).rejects.toThrow(/no room \(status 500\)/);
  expect(await ids()).toEqual(["w-1", "w-2"]);
  expect(engine.containers).toHaveLength(2);
});

test("a name that a container of somebody else has is passed over", async () => {
  const { engine, provisioner, ids } = await setUp();
  engine.add("w-1", {});
  await provisioner.start(1, soon());
  expect(await ids()).toEqual(["w-2"]);
});

test("one that another leader has started under the same name meanwhile is there, not started twice", async () => {
  const { engine, provisioner, ids } = await setUp();
  engine.fault = (call, after) => {
    if (after || !call.endsWith("/create") || engine.find("w-1")) return undefined;
    engine.add("w-1", OWN);
    return undefined;
  };
  await provisioner.start(1, soon());
  expect(await ids()).toEqual(["w-1"]);
});

test("when others have all the names it gives up and says so", async () => {
  const { engine, provisioner } = await setUp();
  for (let number = 1; number <= 30; number += 1) engine.add(`w-${number}`, {});
  await expect(provisioner.start(1, soon())).rejects.toThrow(
    /other containers have taken the names w-/,
  );
  expect(engine.calls.filter((call) => call.endsWith("/create"))).toHaveLength(10);
});

test("an engine that hangs is left when the caller's time is over", async () => {
  const { engine, provisioner } = await setUp();
  engine.fault = (call) => (call.includes("/containers") ? "hang" : undefined);
  const caller = new AbortController();
  const failures = [
    provisioner.list(caller.signal),
    provisioner.start(1, caller.signal),
    provisioner.retire(["w-1"], 0, caller.signal),
  ].map((call) => call.catch((error: unknown) => error));
  await engine.until(() => engine.calls.filter((call) => call.endsWith("/json")).length >= 3);
  const reason = new ProvisionError("too late");
  caller.abort(reason);
  expect(await Promise.all(failures)).toEqual([reason, reason, reason]);
});

test("a container whose creation was answered too late is not left behind", async () => {
  const { engine, provisioner } = await setUp();
  engine.fault = (call, after) => (after && call.endsWith("/create") ? "hang" : undefined);
  const caller = new AbortController();
  const failure = provisioner.start(1, caller.signal).catch((error: unknown) => error);
  await engine.until(() => engine.find("w-1") !== undefined);
  caller.abort(new ProvisionError("too late"));
  expect(await failure).toEqual(new ProvisionError("too late"));
  await engine.until(() => engine.containers.length === 0);
});

test("a container whose start was answered too late is removed, or nobody would know of it", async () => {
  const { engine, provisioner } = await setUp();
  engine.fault = (call, after) => (after && call.endsWith("/start") ? "hang" : undefined);
  const caller = new AbortController();
  const failure = provisioner.start(1, caller.signal).catch((error: unknown) => error);
  await engine.until(() => engine.running().length === 1);
  caller.abort(new ProvisionError("too late"));
  await failure;
  await engine.until(() => engine.containers.length === 0);
});

test.each([
  ["no JSON", "<html>proxy</html>", /answers what is no JSON: <html>proxy/],
  ["no list", '{"message":"hm"}', /its list of containers is no list/],
  ["nonsense in the list", JSON.stringify([{ Labels: OWN, Names: ["/x"] }]), /without an id/],
  ["no names", JSON.stringify([{ Labels: OWN, Id: "abc", Names: null }]), /abc without a name/],
  ["no state", JSON.stringify([{ Labels: OWN, Id: "a", Names: ["/x"] }]), /x without its state/],
])(
  "an engine that answers %s is not believed, and nothing is created",
  async (_, text, message) => {
    const { engine, provisioner } = await setUp();
    engine.fault = (call) => (call === "GET /containers/json" ? { status: 200, text } : undefined);
    await expect(provisioner.list(soon())).rejects.toThrow(message);
    await expect(provisioner.start(1, soon())).rejects.toThrow(message);
    expect(engine.containers).toEqual([]);
  },
);

test("an engine that lists containers twice, and those of others, changes nothing", async () => {
  const { engine, provisioner, ids } = await setUp();
  const entry = { Id: "a", Names: ["/w-1"], State: "running", Created: 5, Labels: OWN };
  const foreign = { ...entry, Id: "b", Names: ["/theirs"], Labels: { "io.batuta.worker": "1" } };
  const again = { ...entry, Id: "c" };
  const text = JSON.stringify([entry, foreign, null, again, entry]);
  engine.fault = (call) => (call === "GET /containers/json" ? { status: 200, text } : undefined);
  expect(await ids()).toEqual(["w-1"]);
  await provisioner.retire(["theirs"], 0, soon());
  expect(engine.calls.filter((call) => call.endsWith("/stop"))).toEqual([]);
});

test("an engine that hides a worker which it says runs is not believed", async () => {
  const { engine, provisioner } = await setUp();
  await provisioner.start(1, soon());
  engine.fault = (call) =>
    call === "GET /containers/json" ? { status: 200, text: "[]" } : undefined;
  await expect(provisioner.list(soon())).rejects.toThrow(
    /it does not list container w-1, and says that it runs/,
  );
});

test("a container that somebody removed has ended, though nobody knows how", async () => {
  const { engine, provisioner, exited, ids } = await setUp();
  await provisioner.start(1, soon());
  engine.containers = [];
  expect(await ids()).toEqual([]);
  expect(await exited(1)).toMatchObject([{ code: null, how: "nobody knows how", expected: false }]);
});

test("garbage among the events is told, and they are asked for again", async () => {
  const { engine, provisioner, exited, said } = await setUp();
  await engine.until(() => engine.listeners === 1);
  engine.say("}{");
  await engine.until(() => engine.listeners === 0);
  await engine.until(() => engine.listeners === 1);
  await provisioner.start(1, soon());
  engine.exit("w-1", 3);
  expect(await exited(1)).toMatchObject([{ code: 3 }]);
  expect(said[0]).toMatch(/are not seen at once: .*what is no JSON: }{/);
});

test("an engine that refuses to stop a container is told as a failure, and the worker is not leaving", async () => {
  const { engine, provisioner } = await setUp();
  await provisioner.start(2, soon());
  engine.fault = (call) =>
    call.endsWith("/stop") ? { status: 500, text: '{"message":"busy"}' } : undefined;
  await expect(provisioner.retire(["w-1"], 0, soon())).rejects.toThrow(
    /cannot stop container w-1: busy \(status 500\)/,
  );
  expect((await provisioner.list(soon())).map(({ leaving }) => leaving)).toEqual([false, false]);
});

test("one that was created and never started is listed, and goes when it is retired", async () => {
  const { engine, provisioner, ids } = await setUp();
  engine.add("w-9", OWN, "created");
  expect(await ids()).toEqual(["w-9"]);
  await provisioner.retire(["w-9"], 0, soon());
  await engine.until(() => engine.containers.length === 0);
});

test("a socket that this user may not use is said to be so", async () => {
  const { engine, provisioner } = await setUp();
  chmodSync(engine.socketPath, 0o600);
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  else chmodSync(engine.socketPath, 0);
  try {
    await expect(provisioner.list(soon())).rejects.toThrow(/permission denied; .*group docker/);
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
});
