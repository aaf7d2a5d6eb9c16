import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { UnreachableError } from "../domain/errors.ts";
import { identify, type ProcessIdentity } from "./process-identity.ts";
import { type ReadyServer, type StartingServer, startupError, untilReady } from "./readiness.ts";
import { type ServerSettings, serverConfig, storeFiles } from "./server-config.ts";

export interface LaunchSpec extends ServerSettings {
  readonly binary: string;
  /** Default 60 s: a large store is read back before the server is ready. */
  readonly readyTimeoutMs?: number;
  /** A detached server outlives this process; any other one ends with it, however it ends. */
  readonly detached?: boolean;
  /** Hears of the process at once, before it is ready: what it is recorded by survives a crash of ours. */
  readonly onSpawn?: (server: ProcessIdentity) => Promise<void>;
}

export interface ServerExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One run of a nats-server that is ready. */
export interface LaunchedServer extends ReadyServer {
  readonly identity: ProcessIdentity;
  readonly exited: Promise<ServerExit>;
}

/**
 * The server replaces this shell, so that its pid is the child's pid. Beside it waits a watcher on
 * fd 3, a pipe whose other end only the parent holds: a line says that all is done, the end of the
 * pipe that the parent is gone, even by SIGKILL. Then the server gets TERM and 10 s later KILL.
 */
const LIFELINE = `
(
  read -r line <&3 && exit 0
  kill -TERM $$ 2>/dev/null
  left=100
  while [ $left -gt 0 ] && kill -0 $$ 2>/dev/null; do sleep 0.1; left=$((left - 1)); done
  kill -KILL $$ 2>/dev/null
) &
exec "$@" 3<&-
`;

/**
 * Starts a server on its store directory and waits until it is ready. The caller holds the store's
 * lock. Rejects when it ends before or is not ready in time, with the end of its log.
 */
export async function launchServer(spec: LaunchSpec): Promise<LaunchedServer> {
  const logSize = await prepareStore(spec);
  const { child, exited } = await spawnServer(spec);
  const run: StartingServer = { spec, pid: child.pid as number, exited, logSize };
  try {
    const identity = await identify(run.pid);
    if (identity === undefined) throw await startupError(run, await exited);
    await spec.onSpawn?.(identity);
    return { ...(await untilReady(run)), identity, exited };
  } catch (error) {
    child.kill("SIGKILL");
    await exited;
    throw error;
  }
}

/**
 * Ports files of servers that were killed stay behind and would mislead. Returns how long the log is
 * that earlier runs left.
 */
async function prepareStore(spec: LaunchSpec): Promise<number> {
  await mkdir(spec.storeDir, { recursive: true });
  const names = await readdir(spec.storeDir);
  const old = names.filter((name) => name.endsWith(".ports"));
  await Promise.all(old.map((name) => rm(join(spec.storeDir, name), { force: true })));
  const files = storeFiles(spec.storeDir);
  await writeFile(files.config, serverConfig(spec));
  // A store that was never used has no log: what the server writes is then read from its start.
  const log = await stat(files.log).catch(() => undefined);
  return log?.size ?? 0;
}

/** In a process group of its own: Ctrl-C is for the parent, which stops the server when it is done. */
async function spawnServer(
  spec: LaunchSpec,
): Promise<{ readonly child: ChildProcess; readonly exited: Promise<ServerExit> }> {
  const files = storeFiles(spec.storeDir);
  await using output = await open(files.output, "w");
  const { fd } = output;
  const command = [spec.binary, "-c", files.config];
  const child = spec.detached
    ? spawn(spec.binary, command.slice(1), { detached: true, stdio: ["ignore", fd, fd] })
    : spawn("/bin/sh", ["-c", LIFELINE, "batuta-nats", ...command], {
        detached: true,
        stdio: ["ignore", fd, fd, "pipe"],
      });
  if (child.pid === undefined) throw await spawnError(child, spec);
  if (spec.detached) child.unref();
  return { child, exited: exitOf(child) };
}

async function spawnError(child: ChildProcess, spec: LaunchSpec): Promise<UnreachableError> {
  const [cause] = await once(child, "error");
  return new UnreachableError(`${spec.binary} cannot be started: ${cause.message}`, { cause });
}

function exitOf(child: ChildProcess): Promise<ServerExit> {
  const lifeline = child.stdio[3] as Writable | undefined;
  lifeline?.on("error", () => {});
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      lifeline?.end("done\n");
      resolve({ code, signal });
    });
  });
}
