import { chmod, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { UnreachableError } from "../domain/errors.ts";
import { probeBinary } from "./binary.ts";
import { addToCache, type CachedServer, listCached, serversDir, stagingDir } from "./cache.ts";
import { makeDirectory } from "./directories.ts";
import { installDebian } from "./install-debian.ts";
import { installWithGo } from "./install-go.ts";
import { installRelease } from "./install-release.ts";
import type { InstallContext, InstallStep } from "./install-step.ts";
import { waitForLock } from "./lock-file.ts";
import { type RunCommand, runCommand } from "./run-command.ts";
import { LINE_SOURCES, type ServerLine } from "./versions.ts";

export interface InstallOptions {
  readonly cacheDir: string;
  /** Default "newest". */
  readonly line?: ServerLine;
  /** One line of progress for people, meant for stderr. Default: silence. */
  readonly onProgress?: (line: string) => void;
  readonly run?: RunCommand;
  /** Default: the official release, Debian's package, Go. */
  readonly steps?: readonly InstallStep[];
}

const STEPS = [installRelease, installDebian, installWithGo] as const;
const LOCK_WAIT_MS = 15 * 60_000;

/**
 * Makes sure that the cache holds a nats-server of that line and returns it. At once when it is
 * there already; two processes that ask at the same time install it once. Nothing outside
 * `cacheDir` is written.
 * @throws UnreachableError when no way worked; it says why for each, and what to do by hand.
 * ConfigError when `cacheDir` cannot be written.
 */
export async function installNatsServer(options: InstallOptions): Promise<CachedServer> {
  const { cacheDir, line = "newest", onProgress: say = () => {} } = options;
  const known = await cachedServer(cacheDir, line);
  if (known !== undefined) return known;
  await makeDirectory(serversDir(cacheDir), "cache directory (BATUTA_CACHE_DIR)");
  const lock = join(serversDir(cacheDir), ".install.lock");
  await using _lock = await waitForLock(lock, LOCK_WAIT_MS, ({ owner }) =>
    say(`process ${owner.pid} is installing a nats-server already; waiting for it`),
  );
  return (await cachedServer(cacheDir, line)) ?? (await install(options, line, say));
}

/** The installed server of a line, undefined when there is none or a newer release was pinned since. */
async function cachedServer(
  cacheDir: string,
  line: ServerLine = "newest",
): Promise<CachedServer | undefined> {
  const pin = LINE_SOURCES[line].release;
  const servers = await listCached(cacheDir);
  return servers.find((server) => server.lines.includes(line) && server.pin === pin);
}

async function install(
  { cacheDir, run = runCommand, steps = STEPS }: InstallOptions,
  line: ServerLine,
  say: (text: string) => void,
): Promise<CachedServer> {
  const staging = await stagingDir(cacheDir);
  const context: InstallContext = { staging, source: LINE_SOURCES[line], run, say };
  const passed: string[] = [];
  try {
    for (const step of steps) {
      const server = await tryStep(step, context, cacheDir, line, passed);
      if (server !== undefined) return server;
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  throw noWay(line, passed);
}

async function tryStep(
  step: InstallStep,
  context: InstallContext,
  cacheDir: string,
  line: ServerLine,
  passed: string[],
): Promise<CachedServer | undefined> {
  const outcome = await step(context);
  if ("passed" in outcome) {
    context.say(outcome.passed);
    passed.push(outcome.passed);
    return undefined;
  }
  await chmod(outcome.binary, 0o755);
  const binary = await probeBinary(outcome.binary, context.run);
  if (binary === undefined) {
    passed.push(`${outcome.source} does not run on this machine`);
    return undefined;
  }
  const { source } = outcome;
  const { version } = binary;
  const pin = context.source.release;
  await keepOnlyBinary(context.staging);
  const server = await addToCache(cacheDir, context.staging, {
    version,
    lines: [line],
    pin,
    source,
  });
  context.say(`installed nats-server ${version} at ${server.path} (${source})`);
  return server;
}

async function keepOnlyBinary(staging: string): Promise<void> {
  const others = (await readdir(staging)).filter((name) => name !== "nats-server");
  await Promise.all(
    others.map((name) => rm(join(staging, name), { recursive: true, force: true })),
  );
}

function noWay(line: ServerLine, passed: readonly string[]): UnreachableError {
  return new UnreachableError(
    [
      `nats-server (${line}) could not be installed:`,
      ...passed.map((reason) => `  - ${reason}`),
      "By hand: `apt-get install nats-server`, `brew install nats-server`, or set BATUTA_NATS_URL.",
    ].join("\n"),
  );
}
