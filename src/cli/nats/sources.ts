import { join } from "node:path";
import type { Config } from "../../config/variables.ts";
import type { Durability } from "../../nats-server/durability.ts";
import { installNatsServer } from "../../nats-server/install.ts";
import {
  findNatsServer,
  type ResolvedServer,
  type ResolveValues,
} from "../../nats-server/resolve.ts";

/** Where commands look for a server when none is named, and where one of ours listens if it can. */
export const DEFAULT_PORT = 4222;
export const DEFAULT_URL = `nats://127.0.0.1:${DEFAULT_PORT}`;

/** The server that a command connects to. */
export function natsUrlOf(config: Config): string {
  return config.nats.url ?? DEFAULT_URL;
}

/** Where the streams of a server of ours are kept. */
export function storeDirOf(config: Config): string {
  return join(config.paths.dataDir, "nats");
}

/** The server's word for the setting. */
export function serverDurability(config: Config): Durability {
  return config.nats.durability === "strict" ? "strict" : "default";
}

export type ServerBinary = Extract<ResolvedServer, { kind: "binary" }>;

/** A nats-server to start: BATUTA_NATS_SERVER_BIN, PATH, the cache; else it is installed now. */
export async function binaryToStart(
  config: Config,
  say: (line: string) => void,
): Promise<ServerBinary> {
  const values = { ...resolveValuesOf(config), url: undefined };
  let found = await findNatsServer(values);
  if (found === undefined) {
    say("no nats-server on this machine; installing one now (once, into the cache)");
    await installNatsServer({ cacheDir: config.paths.cacheDir, onProgress: say });
    found = await findNatsServer(values);
  }
  const binary = found as ServerBinary;
  if (binary.warning !== undefined) say(`warning: ${binary.warning}`);
  return binary;
}

function resolveValuesOf(config: Config): ResolveValues {
  return {
    url: config.nats.url,
    serverBin: config.nats.serverBin,
    // biome-ignore lint/style/noProcessEnv: where this machine keeps its programs is no setting of Batuta's
    path: process.env.PATH,
    cacheDir: config.paths.cacheDir,
  };
}
