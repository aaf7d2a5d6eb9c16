import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type BatutaError, ConfigError, UnreachableError } from "../domain/errors.ts";
import type { LaunchSpec, ServerExit } from "./launch.ts";
import { storeFiles } from "./server-config.ts";

export interface ReadyServer {
  readonly port: number;
  /** For clients on this machine. */
  readonly url: string;
  readonly monitoringUrl: string;
}

/** A run that is not ready yet. */
export interface StartingServer {
  readonly spec: LaunchSpec;
  readonly pid: number;
  readonly exited: Promise<ServerExit>;
  /** How many bytes of the log are of earlier runs. */
  readonly logSize: number;
}

const POLL_MS = 15;

/**
 * Waits until the server has written its ports file and says on /healthz that JetStream is
 * recovered. Rejects when it ends before, or after `readyTimeoutMs`.
 */
export async function untilReady(run: StartingServer): Promise<ReadyServer> {
  const { spec } = run;
  let exit: ServerExit | undefined;
  const watch = run.exited.then((value) => {
    exit = value;
  });
  const until = Date.now() + (spec.readyTimeoutMs ?? 60_000);
  while (Date.now() < until) {
    if (exit !== undefined) throw await startupError(run, exit);
    const ports = await readPorts(run);
    if (ports !== undefined && (await isHealthy(ports.monitoringUrl))) return ports;
    await Promise.race([delay(POLL_MS), watch]);
  }
  throw new UnreachableError(`nats-server is not ready in time; its log: ${await logTail(run)}`);
}

/** Why a server ended at its start, with what it logged last. */
export async function startupError(run: StartingServer, exit: ServerExit): Promise<BatutaError> {
  const { spec } = run;
  const tail = await logTail(run);
  if (tail.includes("address already in use")) {
    return new ConfigError(
      `port ${spec.port} on ${spec.host} is taken by another process; choose another port, or -1 for a free one`,
    );
  }
  const how = exit.signal ?? `code ${exit.code}`;
  return new UnreachableError(`nats-server ended at its start (${how}): ${tail}`);
}

async function readPorts({ spec, pid }: StartingServer): Promise<ReadyServer | undefined> {
  const names = await readdir(spec.storeDir);
  const name = names.find((each) => each.endsWith(`_${pid}.ports`));
  if (name === undefined) return undefined;
  try {
    const ports = JSON.parse(await readFile(join(spec.storeDir, name), "utf8"));
    const port = Number(new URL(ports.nats[0]).port);
    const host = spec.host === "0.0.0.0" || spec.host === "::" ? "127.0.0.1" : spec.host;
    return { port, url: `nats://${host}:${port}`, monitoringUrl: ports.monitoring[0] };
  } catch {
    return undefined;
  }
}

async function isHealthy(monitoringUrl: string): Promise<boolean> {
  try {
    const response = await fetch(`${monitoringUrl}/healthz`, {
      signal: AbortSignal.timeout(2_000),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}

/** The last lines of what this run wrote. */
async function logTail({ spec, logSize }: StartingServer): Promise<string> {
  const files = storeFiles(spec.storeDir);
  const log = (await readFile(files.log).catch(() => Buffer.alloc(0))).subarray(logSize);
  const output = await readFile(files.output, "utf8").catch(() => "");
  const lines = `${output}\n${log.toString()}`.trim().split("\n");
  return lines.slice(-4).join(" | ") || `(nothing in ${files.log})`;
}
