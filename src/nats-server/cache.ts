import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { compareVersions } from "../domain/server-version.ts";
import type { ServerBinary } from "./binary.ts";
import { isExecutableFile } from "./run-command.ts";
import type { ServerLine } from "./versions.ts";

/** One installed server: `<cacheDir>/nats-server/<version>/{nats-server,origin.json}`. */
export interface CachedServer extends ServerBinary {
  /** The lines that this server was installed for. */
  readonly lines: readonly ServerLine[];
  /** The release that was pinned at that time: a later pin installs anew. */
  readonly pin: string;
  /** Where it came from, for people. */
  readonly source: string;
}

/**
 * The cache directory from the values of BATUTA_CACHE_DIR, XDG_CACHE_HOME and the home directory;
 * an empty value counts as not set.
 */
export function cacheDirFrom(values: {
  readonly cacheDir?: string | undefined;
  readonly xdgCacheHome?: string | undefined;
  readonly home: string;
}): string {
  if (values.cacheDir) return values.cacheDir;
  return join(values.xdgCacheHome || join(values.home, ".cache"), "batuta");
}

const STAGING_PREFIX = ".staging-";

export const serversDir = (cacheDir: string) => join(cacheDir, "nats-server");

/** What the cache holds, newest version first. Folders that are not whole are left out. */
export async function listCached(cacheDir: string): Promise<readonly CachedServer[]> {
  const root = serversDir(cacheDir);
  const names = await readdir(root).catch(() => [] as string[]);
  const found = await Promise.all(names.map((name) => readCached(join(root, name))));
  return found
    .filter((server) => server !== undefined)
    .sort((a, b) => compareVersions(b.version, a.version));
}

/**
 * Puts a binary into the cache by one rename, so that no other process sees half of it. `staged`
 * is a folder made by `stagingDir` that holds the binary as `nats-server`. A version that is there
 * already stays as it is, and learns that it also stands for this line.
 */
export async function addToCache(
  cacheDir: string,
  staged: string,
  origin: Omit<CachedServer, "path">,
): Promise<CachedServer> {
  const target = join(serversDir(cacheDir), origin.version);
  const known = await readCached(target);
  const entry = { ...origin, lines: [...new Set([...(known?.lines ?? []), ...origin.lines])] };
  const json = `${JSON.stringify(entry, null, 2)}\n`;
  await writeFile(join(staged, "origin.json"), json);
  if (known !== undefined) {
    await rename(join(staged, "origin.json"), join(target, "origin.json"));
  } else {
    await rm(target, { recursive: true, force: true });
    await chmod(staged, 0o755);
    await rename(staged, target);
  }
  return { ...entry, path: join(target, "nats-server") };
}

/**
 * A new folder beside the installed servers, for what is being downloaded. The caller holds the
 * lock of the cache: folders of installations that were killed are deleted.
 */
export async function stagingDir(cacheDir: string): Promise<string> {
  const root = serversDir(cacheDir);
  await mkdir(root, { recursive: true });
  const names = await readdir(root);
  const old = names.filter((name) => name.startsWith(STAGING_PREFIX));
  await Promise.all(old.map((name) => rm(join(root, name), { recursive: true, force: true })));
  return mkdtemp(join(root, STAGING_PREFIX));
}

async function readCached(directory: string): Promise<CachedServer | undefined> {
  const path = join(directory, "nats-server");
  try {
    const origin = JSON.parse(await readFile(join(directory, "origin.json"), "utf8"));
    return (await isExecutableFile(path)) ? { ...origin, path } : undefined;
  } catch {
    return undefined;
  }
}
