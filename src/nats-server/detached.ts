import { readFile, realpath, rm, writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { ConfigError, NotFoundError } from "../domain/errors.ts";
import { assertDurability, type Durability } from "./durability.ts";
import { type LaunchedServer, launchServer } from "./launch.ts";
import { readLock } from "./lock-file.ts";
import { isRunning, type ProcessIdentity, programOf } from "./process-identity.ts";
import { storeFiles } from "./server-config.ts";
import type { StartOptions } from "./start.ts";
import { stopProcess } from "./stop-process.ts";
import { lockStore } from "./store-lock.ts";

/** A server that outlives the command which started it. */
export interface DetachedServer {
  readonly url: string;
  readonly monitoringUrl: string;
  readonly version: string;
  readonly pid: number;
  readonly storeDir: string;
  readonly durability: Durability;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** `supervised`: the server belongs to a running Batuta process and ends with it. */
export type NatsStatus =
  | { readonly state: "stopped" }
  | { readonly state: "running"; readonly server: DetachedServer }
  | {
      readonly state: "supervised";
      readonly ownerPid: number;
      readonly serverPid: number | undefined;
    };

/** The default port of `batuta nats start`, where clients look by themselves. */
const DEFAULT_PORT = 4222;

interface DetachedState extends DetachedServer {
  readonly binary: string;
  readonly identity: ProcessIdentity;
}

/** What runs on a store directory now. */
export async function natsStatus(storeDir: string): Promise<NatsStatus> {
  const state = await readState(storeDir);
  if (state !== undefined && (await isRunning(state.identity))) {
    const { binary: _binary, identity: _identity, ...server } = state;
    return { state: "running", server };
  }
  const lock = await readLock(storeFiles(storeDir).lock);
  if (lock === undefined || !(await isRunning(lock.owner))) return { state: "stopped" };
  return { state: "supervised", ownerPid: lock.owner.pid, serverPid: lock.server?.pid };
}

/**
 * Starts a server that stays, on port 4222 unless told otherwise, and returns when it is ready. One
 * that runs on that store already is returned as it is, with `started` false.
 * @throws ConfigError when the port is taken or the store belongs to another process.
 */
export async function startDetachedServer(
  options: StartOptions,
): Promise<{ readonly server: DetachedServer; readonly started: boolean }> {
  const { server: source, storeDir } = options;
  if (source.kind === "external") {
    throw new ConfigError(
      `BATUTA_NATS_URL is set (${source.url}): that server is used, none is started`,
    );
  }
  const status = await natsStatus(storeDir);
  if (status.state === "running") return { server: status.server, started: false };
  const { durability = "default", host = "127.0.0.1", port = DEFAULT_PORT } = options;
  const { path: binary, version } = source;
  assertDurability(durability, version);
  await using lock = await lockStore(storeDir);
  const { readyTimeoutMs = 60_000 } = options;
  const spec = { binary, version, storeDir, durability, host, port, readyTimeoutMs };
  const onSpawn = lock.setServer;
  const launched = await launchServer({ ...spec, detached: true, onSpawn });
  const state = stateOf(launched, spec);
  await writeFile(storeFiles(storeDir).state, `${JSON.stringify(state, null, 2)}\n`);
  await lock.handOver(launched.identity);
  const { binary: _binary, identity: _identity, ...server } = state;
  return { server, started: true };
}

/**
 * Stops a detached server. It is found by its pid file and must still be the very process that was
 * started, running a nats-server.
 * @throws NotFoundError when none runs; ConfigError when it is another process's, or no nats-server.
 */
export async function stopDetachedServer(storeDir: string): Promise<DetachedServer> {
  const status = await natsStatus(storeDir);
  if (status.state === "supervised") {
    throw new ConfigError(
      `the nats-server on ${storeDir} belongs to process ${status.ownerPid} and ends with it; stop that one`,
    );
  }
  const state = status.state === "running" ? await readState(storeDir) : undefined;
  if (state === undefined) throw new NotFoundError(`no nats-server runs on ${storeDir}`);
  await assertNatsServer(state);
  await stopProcess(state.identity);
  const { lock, state: stateFile, pid } = storeFiles(storeDir);
  await Promise.all([lock, stateFile, pid].map((file) => rm(file, { force: true })));
  const { binary: _binary, identity: _identity, ...server } = state;
  return server;
}

async function assertNatsServer({ pid, binary }: DetachedState): Promise<void> {
  const program = await programOf(pid);
  const expected = basename(await realpath(binary).catch(() => binary));
  if (program === undefined || program === expected || program.startsWith("nats-server")) return;
  throw new ConfigError(`process ${pid} is ${program}, not a nats-server: it is left alone`);
}

async function readState(storeDir: string): Promise<DetachedState | undefined> {
  try {
    return JSON.parse(await readFile(storeFiles(storeDir).state, "utf8")) as DetachedState;
  } catch {
    return undefined;
  }
}

function stateOf(
  { url, monitoringUrl, identity }: LaunchedServer,
  spec: {
    readonly binary: string;
    readonly version: string;
    readonly storeDir: string;
    readonly durability: Durability;
  },
): DetachedState {
  const { binary, version, storeDir, durability } = spec;
  const startedAt = new Date().toISOString();
  const { pid } = identity;
  return { url, monitoringUrl, version, pid, storeDir, durability, startedAt, binary, identity };
}
