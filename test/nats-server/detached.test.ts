import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  type DetachedServer,
  natsStatus,
  startDetachedServer,
  stopDetachedServer,
} from "../../src/nats-server/detached.ts";
import {
  identify,
  isRunning,
  type ProcessIdentity,
} from "../../src/nats-server/process-identity.ts";
import { stopProcess } from "../../src/nats-server/stop-process.ts";
import { privateBinary, startPrivateNats, temporaryDir, useNats } from "../support/nats.ts";

const nats = useNats();

const identityOf = async ({ pid }: DetachedServer) => (await identify(pid)) as ProcessIdentity;

async function start(storeDir: string) {
  const server = { kind: "binary", ...privateBinary() } as const;
  const outcome = await startDetachedServer({ server, storeDir, port: -1 });
  const identity = await identityOf(outcome.server);
  onTestFinished(() => stopProcess(identity));
  return outcome;
}

test("a detached server is found by its store, and starting it twice is starting it once", async () => {
  const storeDir = await temporaryDir();
  expect(await natsStatus(storeDir)).toEqual({ state: "stopped" });
  const first = await start(storeDir);
  expect(first.started).toBe(true);
  expect(first.server).toMatchObject({ version: nats.version, storeDir, durability: "default" });
  expect(await start(storeDir)).toEqual({ server: first.server, started: false });
  expect(await natsStatus(storeDir)).toEqual({ state: "running", server: first.server });
});

test("stopping a detached server ends it and frees the store", async () => {
  const storeDir = await temporaryDir();
  const { server } = await start(storeDir);
  const identity = await identityOf(server);
  expect(await stopDetachedServer(storeDir)).toEqual(server);
  expect(await isRunning(identity)).toBe(false);
  expect(await natsStatus(storeDir)).toEqual({ state: "stopped" });
  await expect(stopDetachedServer(storeDir)).rejects.toMatchObject({ code: "NOT_FOUND" });
  await startPrivateNats({ storeDir });
});

test("the store of a detached server is in use until it is stopped", async () => {
  const storeDir = await temporaryDir();
  const { server } = await start(storeDir);
  await expect(startPrivateNats({ storeDir })).rejects.toThrow(
    `in use by nats-server ${server.pid} (\`batuta nats stop\` ends it)`,
  );
});

test("a server that belongs to a running process is not stopped from outside", async () => {
  const storeDir = await temporaryDir();
  const { pid } = await startPrivateNats({ storeDir });
  const ownerPid = process.pid;
  expect(await natsStatus(storeDir)).toEqual({ state: "supervised", ownerPid, serverPid: pid });
  await expect(stopDetachedServer(storeDir)).rejects.toThrow(`belongs to process ${ownerPid}`);
});

test("a process that is no nats-server is left alone, whatever the pid file says", async () => {
  const storeDir = await temporaryDir();
  const identity = await identify(process.pid);
  const state = { pid: process.pid, identity, binary: "/usr/bin/nats-server" };
  await writeFile(join(storeDir, "nats-server.json"), JSON.stringify(state));
  await expect(stopDetachedServer(storeDir)).rejects.toThrow("not a nats-server");
});
