import { ConfigError } from "../domain/errors.ts";
import { probeBinary } from "./binary.ts";
import { listCached } from "./cache.ts";
import { findOnPath, type RunCommand, runCommand } from "./run-command.ts";
import { ageWarning } from "./versions.ts";

/** The values that decide which server is used; src/config reads them from the environment. */
export interface ResolveValues {
  /** BATUTA_NATS_URL: a server that somebody else runs. */
  readonly url?: string | undefined;
  /** BATUTA_NATS_SERVER_BIN. */
  readonly serverBin?: string | undefined;
  /** PATH. */
  readonly path?: string | undefined;
  /** Where `batuta nats install` puts servers; see `cacheDirFrom`. */
  readonly cacheDir: string;
}

/** An external server is only connected to; of a binary `warning` says what to tell its user. */
export type ResolvedServer =
  | { readonly kind: "external"; readonly url: string }
  | {
      readonly kind: "binary";
      readonly path: string;
      readonly version: string;
      readonly from: "BATUTA_NATS_SERVER_BIN" | "PATH" | "cache";
      readonly warning?: string;
    };

/**
 * Which nats-server to use: BATUTA_NATS_URL, BATUTA_NATS_SERVER_BIN, `nats-server` on PATH, then the
 * newest in the cache. Undefined when there is none.
 * @throws ConfigError when BATUTA_NATS_SERVER_BIN is set but is no nats-server that runs here.
 */
export async function findNatsServer(
  values: ResolveValues,
  run: RunCommand = runCommand,
): Promise<ResolvedServer | undefined> {
  if (values.url) return { kind: "external", url: values.url };
  if (values.serverBin) return named(values.serverBin, run);
  return (await onPath(values.path ?? "", run)) ?? (await inCache(values.cacheDir));
}

/**
 * As `findNatsServer`.
 * @throws ConfigError with every way to get a server when there is none.
 */
export async function resolveNatsServer(
  values: ResolveValues,
  run: RunCommand = runCommand,
): Promise<ResolvedServer> {
  const found = await findNatsServer(values, run);
  if (found === undefined) throw noServer(values.cacheDir);
  return found;
}

async function named(path: string, run: RunCommand): Promise<ResolvedServer> {
  const binary = await probeBinary(path, run);
  if (binary !== undefined) return binaryFrom("BATUTA_NATS_SERVER_BIN", path, binary.version);
  throw new ConfigError(
    `BATUTA_NATS_SERVER_BIN (${path}) is not a nats-server that runs here: \`${path} --version\` does not tell a version`,
  );
}

async function onPath(path: string, run: RunCommand): Promise<ResolvedServer | undefined> {
  const file = await findOnPath("nats-server", path);
  const binary = file === undefined ? undefined : await probeBinary(file, run);
  return binary && binaryFrom("PATH", binary.path, binary.version);
}

/** Leaves out the old servers that only Batuta's own tests asked for. */
async function inCache(cacheDir: string): Promise<ResolvedServer | undefined> {
  const servers = await listCached(cacheDir);
  const newest = servers.find(({ lines }) => lines.includes("newest"));
  return newest && binaryFrom("cache", newest.path, newest.version);
}

function binaryFrom(
  from: "BATUTA_NATS_SERVER_BIN" | "PATH" | "cache",
  path: string,
  version: string,
): ResolvedServer {
  const warning = ageWarning(version);
  return { kind: "binary", path, version, from, ...(warning === undefined ? {} : { warning }) };
}

function noServer(cacheDir: string): ConfigError {
  return new ConfigError(
    [
      "no nats-server found. One of these gives one:",
      "  - set BATUTA_NATS_URL to a server that runs already",
      "  - set BATUTA_NATS_SERVER_BIN to the path of a nats-server binary",
      "  - put nats-server on PATH (Debian: apt-get install nats-server; macOS: brew install nats-server)",
      `  - run \`batuta nats install\` (it goes to ${cacheDir}, nothing else is changed)`,
    ].join("\n"),
  );
}
