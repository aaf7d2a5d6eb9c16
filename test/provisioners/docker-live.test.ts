import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { DockerProvisioner, type DockerProvisionerOptions } from "../../src/provisioners/docker.ts";
import type { WorkerExit } from "../../src/provisioners/provisioner.ts";
import { makeWorkerImage } from "./support/worker-image.ts";

/** An engine that may be used for tests, as a path; where none is named this file is left out (vitest.config.ts). */
const { BATUTA_TEST_DOCKER_SOCKET: socketPath = "" } = process.env;
const host = `unix://${socketPath}`;
const IMAGE = "batuta-test-worker:1";

function docker(...args: string[]): string {
  return execFileSync("docker", ["-H", host, ...args], { encoding: "utf8" }).trim();
}

/** Before that it would ignore a signal, as the first process of a container does. */
async function ready(name: string): Promise<void> {
  const logs = spawn("docker", ["-H", host, "logs", "-f", name], { stdio: ["ignore", "pipe", 2] });
  await once(logs.stdout as Readable, "data");
  logs.kill();
}

function setUp(options: Partial<DockerProvisionerOptions> = {}) {
  const pool = `t${process.pid}-${Date.now().toString(36)}`;
  const exits: WorkerExit[] = [];
  const waiting: (() => void)[] = [];
  const provisioner = new DockerProvisioner({
    socketPath,
    image: IMAGE,
    network: "none",
    env: {},
    marks: { "io.batuta.pool": pool },
    baseId: pool,
    drainMs: 10_000,
    onClose: "drain",
    say: () => {},
    now: Date.now,
    ...options,
  });
  provisioner.onExit((exit) => {
    exits.push(exit);
    for (const tell of waiting.splice(0)) tell();
  });
  const exited = async (count: number) => {
    while (exits.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return exits;
  };
  const left = () => docker("ps", "-aq", "--filter", `label=io.batuta.pool=${pool}`);
  onTestFinished(async () => {
    await provisioner[Symbol.asyncDispose]();
    const ids = left();
    if (ids !== "") docker("rm", "-f", ...ids.split("\n"));
  });
  return { provisioner, pool, exited, left };
}

function soon(): AbortSignal {
  return AbortSignal.timeout(30_000);
}

describe("on a live Docker engine", { timeout: 120_000 }, () => {
  beforeAll(() => makeWorkerImage(host, IMAGE), 120_000);

  test("workers start, are listed, leave when they are retired, and nothing is left of them", async () => {
    const { provisioner, pool, exited, left } = setUp();
    await provisioner.start(2, soon());
    const listed = await provisioner.list(soon());
    expect(listed.map(({ workerId }) => workerId).sort()).toEqual([`${pool}-1`, `${pool}-2`]);
    await Promise.all([ready(`${pool}-1`), ready(`${pool}-2`)]);
    expect(Date.now() - (listed[0]?.startedAt ?? 0)).toBeLessThan(60_000);
    const env = docker("inspect", "-f", "{{json .Config.Env}}", `${pool}-1`);
    expect(JSON.parse(env)).toContain(`BATUTA_WORKER_ID=${pool}-1`);
    await provisioner.retire([`${pool}-1`], 10_000, soon());
    expect(await exited(1)).toMatchObject([{ workerId: `${pool}-1`, code: 0, expected: true }]);
    await provisioner[Symbol.asyncDispose]();
    expect(await exited(2)).toMatchObject([{ expected: true }, { expected: true }]);
    expect(left()).toBe("");
  });

  test("a worker that is killed is told at once, and one that dies by itself with its code", async () => {
    const { provisioner, pool, exited } = setUp({ env: { DIES: "0" } });
    await provisioner.start(1, soon());
    docker("kill", "-s", "KILL", `${pool}-1`);
    expect(await exited(1)).toMatchObject([{ code: 137, expected: false }]);
    const dying = setUp({ env: { DIES: "1" } });
    await dying.provisioner.start(1, soon());
    await dying.provisioner.list(soon());
    expect(await dying.exited(1)).toMatchObject([{ code: 3, how: "code 3", expected: false }]);
  });

  test("a missing image and a missing network are told in the engine's words, and leave nothing", async () => {
    const without = setUp({ image: "batuta-test-nope:1" });
    await expect(without.provisioner.start(3, soon())).rejects.toThrow(
      /No such image: batuta-test-nope:1/,
    );
    expect(without.left()).toBe("");
    const lost = setUp({ network: "batuta-test-nope" });
    await expect(lost.provisioner.start(3, soon())).rejects.toThrow(/batuta-test-nope/);
    expect(lost.left()).toBe("");
  });

  test("a name that is taken is passed over", async () => {
    const { provisioner, pool } = setUp();
    docker("create", "--name", `${pool}-1`, "--network", "none", IMAGE);
    onTestFinished(() => void docker("rm", "-f", `${pool}-1`));
    await provisioner.start(1, soon());
    expect((await provisioner.list(soon())).map(({ workerId }) => workerId)).toEqual([`${pool}-2`]);
  });
});
