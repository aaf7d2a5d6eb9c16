import { execFile } from "node:child_process";
import { get, type IncomingMessage } from "node:http";
import { json } from "node:stream/consumers";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { DockerProvisioner } from "../../src/provisioners/docker.ts";
import { FakeDocker } from "./support/fake-docker.ts";
import { isInstalled, testWith } from "./support/programs.ts";

const run = promisify(execFile);
const OWN = { "io.batuta.worker": "1", "io.batuta.pool": "default" };

const withDocker = testWith(isInstalled("docker"), "docker command");
const withCurl = testWith(isInstalled("curl"), "curl");

async function setUp() {
  const engine = await new FakeDocker().open();
  const provisioner = new DockerProvisioner({
    socketPath: engine.socketPath,
    image: "batuta:test",
    env: {},
    marks: { "io.batuta.pool": "default" },
    baseId: "w",
    drainMs: 0,
    onClose: "drain",
    say: () => {},
    now: Date.now,
  });
  onTestFinished(async () => {
    await provisioner[Symbol.asyncDispose]();
    await engine.close();
  });
  const workers = async () => {
    const listed = await provisioner.list(AbortSignal.timeout(5_000));
    return listed.map(({ workerId }) => workerId);
  };
  const start = (count: number) => provisioner.start(count, AbortSignal.timeout(5_000));
  return { engine, provisioner, workers, start };
}

withDocker(
  "the docker command and our client see and do the same on one engine",
  { timeout: 60_000 },
  async () => {
    const { engine, provisioner, workers, start } = await setUp();
    const docker = async (...args: string[]) => {
      const { stdout } = await run("docker", ["-H", `unix://${engine.socketPath}`, ...args]);
      return stdout.trim().split("\n");
    };
    await start(2);
    const ofFleet = ["--filter", "label=io.batuta.worker=1"];
    expect(await docker("ps", ...ofFleet, "--format", "{{.Names}} {{.State}}")).toEqual([
      "w-1 running",
      "w-2 running",
    ]);
    const labels = Object.entries(OWN).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
    await docker("run", "-d", "--name", "w-3", ...labels, "batuta:test", "worker");
    await docker("create", "--name", "theirs", "batuta:test", "worker");
    expect(await workers()).toEqual(["w-1", "w-2", "w-3"]);
    await expect(docker("create", "--name", "w-1", "batuta:test")).rejects.toThrow(/Conflict/);
    await docker("stop", "-t", "7", "w-2");
    expect(engine.find("w-2")?.stops).toEqual(["7"]);
    expect(await workers()).toEqual(["w-1", "w-3"]);
    await docker("rm", "-f", "w-1");
    await provisioner.retire(["w-3"], 0, AbortSignal.timeout(5_000));
    await engine.until(() => engine.find("w-3") === undefined);
    expect(await docker("ps", "-a", ...ofFleet, "--format", "{{.Names}}")).toEqual([""]);
  },
);

withCurl("curl and our client see and do the same on one engine", async () => {
  const { engine, workers, start } = await setUp();
  const curl = async (method: string, path: string, body?: object) => {
    const data =
      body === undefined
        ? []
        : ["-H", "Content-Type: application/json", "-d", JSON.stringify(body)];
    const to = ["-sS", "--unix-socket", engine.socketPath, "-X", method, "-w", "\n%{http_code}"];
    const { stdout } = await run("curl", [...to, ...data, `http://docker${path}`]);
    const [text = "", status] = stdout.split("\n");
    return { status: Number(status), body: text === "" ? undefined : JSON.parse(text) };
  };
  await start(1);
  const filters = encodeURIComponent(JSON.stringify({ label: ["io.batuta.worker=1"] }));
  const listed = await curl("GET", `/v1.41/containers/json?filters=${filters}`);
  expect(listed.body).toMatchObject([{ Names: ["/w-1"], State: "running", Labels: OWN }]);
  const spec = { Image: "batuta:test", Cmd: ["worker"], Labels: OWN, Env: [], HostConfig: {} };
  const created = await curl("POST", "/v1.41/containers/create?name=w-2", spec);
  expect(created.status).toBe(201);
  expect((await curl("POST", "/v1.41/containers/create?name=w-2", spec)).status).toBe(409);
  expect((await curl("POST", `/v1.41/containers/${created.body.Id}/start`)).status).toBe(204);
  expect(await workers()).toEqual(["w-1", "w-2"]);
  expect((await curl("POST", "/v1.41/containers/w-1/stop?t=1")).status).toBe(204);
  expect((await curl("POST", "/v1.41/containers/w-1/stop?t=1")).status).toBe(304);
  expect(await workers()).toEqual(["w-2"]);
});

test("Node's own client sees what our client has started", async () => {
  const { engine, start } = await setUp();
  await start(2);
  const path = "/v1.41/containers/json";
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ socketPath: engine.socketPath, path }, resolve).on("error", reject);
  });
  expect(await json(response)).toMatchObject([{ Names: ["/w-1"] }, { Names: ["/w-2"] }]);
});
