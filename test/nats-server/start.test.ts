import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { describeDurability } from "../../src/nats-server/durability.ts";
import {
  identify,
  isRunning,
  type ProcessIdentity,
} from "../../src/nats-server/process-identity.ts";
import { type NatsServer, startNatsServer } from "../../src/nats-server/start.ts";
import { startPrivateNats, temporaryDir, testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

const processOf = async (server: NatsServer) =>
  (await identify(server.pid as number)) as ProcessIdentity;

const kill = (server: NatsServer) => process.kill(server.pid as number, "SIGKILL");

test("a started server speaks JetStream and takes bodies over the usual 1 MB", async ({ task }) => {
  const nc = await nats.connect();
  const prefix = testPrefix(task);
  const jsm = await jetstreamManager(nc);
  await jsm.streams.add({ name: `${prefix}_BIG`, subjects: [`${prefix}.>`] });
  const ack = await jetstream(nc).publish(`${prefix}.body`, new Uint8Array(2 * 1024 * 1024));
  expect(ack.seq).toBe(1);
});

test("a started server tells its URL, version, process, store and durability", async () => {
  const server = await startPrivateNats();
  expect(server).toMatchObject({ version: nats.version, external: false, durability: "default" });
  expect(server.url).toMatch(/^nats:\/\/127\.0\.0\.1:\d+$/);
  expect(await isRunning(await processOf(server))).toBe(true);
  expect(describeDurability(server.durability)).toContain("a power cut can lose up to 2 min");
});

test("a killed server comes back on the same URL with its streams, and says so", async () => {
  const server = await startPrivateNats();
  const nc = await nats.connect({ servers: server.url, maxReconnectAttempts: -1 });
  await (await jetstreamManager(nc)).streams.add({ name: "KEPT", subjects: ["kept"] });
  await jetstream(nc).publish("kept", "42");
  const { url, pid } = server;
  const restarted = new Promise((resolve) => server.onRestart(resolve));
  kill(server);
  expect(await restarted).toMatchObject({ restarts: 1, exit: { signal: "SIGKILL" } });
  expect(server.url).toBe(url);
  expect(server.pid).not.toBe(pid);
  const again = await nats.connect({ servers: server.url });
  const { state } = await (await jetstreamManager(again)).streams.info("KEPT");
  expect(state.messages).toBe(1);
});

test("a server that crashes too often is given up with an error", async () => {
  const restart = { maxRestarts: 1, withinMs: 30_000, firstDelayMs: 1, maxDelayMs: 1 };
  const server = await startPrivateNats({ restart });
  const ended = new Promise<Error | undefined>((resolve) => server.onExit(resolve));
  const restarted = new Promise((resolve) => server.onRestart(resolve));
  kill(server);
  await restarted;
  kill(server);
  expect((await ended)?.message).toContain("crashed 2 times in 30 s");
});

test("stopping ends the process, is no crash, and may be asked for twice", async () => {
  const server = await startPrivateNats();
  const running = await processOf(server);
  const ended = new Promise<Error | undefined>((resolve) => server.onExit(resolve));
  await Promise.all([server.stop(), server.stop()]);
  expect(await isRunning(running)).toBe(false);
  expect(await ended).toBeUndefined();
});

test("a store in use is refused with the process that holds it, and free once that stops", async () => {
  const first = await startPrivateNats();
  const storeDir = first.storeDir as string;
  await expect(startPrivateNats({ storeDir })).rejects.toMatchObject({
    code: "CONFIG",
    message: expect.stringContaining(`in use by process ${process.pid}`),
  });
  await first.stop();
  await startPrivateNats({ storeDir });
});

test("a port that is taken is an error that names it, and leaves the store free", async () => {
  const port = Number(new URL(nats.url).port);
  const storeDir = await temporaryDir();
  await expect(startPrivateNats({ port, storeDir })).rejects.toMatchObject({
    code: "CONFIG",
    message: expect.stringContaining(`port ${port} on 127.0.0.1 is taken`),
  });
  await startPrivateNats({ storeDir });
});

test("strict durability syncs before each acknowledgement, or is refused by version", async () => {
  if (!nats.atLeast("2.10.0")) {
    const refused = startPrivateNats({ durability: "strict" });
    await expect(refused).rejects.toThrow(
      `needs nats-server 2.10.0 or newer, this one is ${nats.version}`,
    );
    return;
  }
  const server = await startPrivateNats({ durability: "strict" });
  const varz = await (await fetch(`${server.monitoringUrl}/varz`)).json();
  expect(varz).toMatchObject({ jetstream: { config: { sync_always: true } } });
  expect(describeDurability(server.durability)).toContain("power cuts");
});

test("an external server is asked for its version and left alone", async () => {
  const own = await startPrivateNats();
  const server = { kind: "external", url: own.url } as const;
  const external = await startNatsServer({ server, storeDir: "/nonexistent" });
  expect(external).toMatchObject({ external: true, version: nats.version, pid: undefined });
  await external.stop();
  expect(await isRunning(await processOf(own))).toBe(true);
});

test("an external server that does not answer is unreachable, and its password is not told", async () => {
  const server = { kind: "external", url: "nats://ada:secret@127.0.0.1:1" } as const;
  const failed = startNatsServer({ server, storeDir: "/nonexistent" });
  await expect(failed).rejects.toMatchObject({ code: "UNREACHABLE" });
  await expect(failed).rejects.not.toThrow("secret");
});

test("a binary that cannot start is an error that tells its last words", async () => {
  const server = { kind: "binary", path: "/nonexistent/nats-server", version: "2.15.1" } as const;
  const failed = startNatsServer({ server, storeDir: await temporaryDir() });
  await expect(failed).rejects.toThrow(/code 127.*not found/);
});
