import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { addToCache, cacheDirFrom, stagingDir } from "../../src/nats-server/cache.ts";
import { ensureNatsServer } from "../../src/nats-server/ensure.ts";
import type { InstallStep } from "../../src/nats-server/install-step.ts";
import { findNatsServer, resolveNatsServer } from "../../src/nats-server/resolve.ts";
import type { ServerLine } from "../../src/nats-server/versions.ts";
import { temporaryDir } from "../support/nats.ts";
import { fakeServerIn } from "./fake-server.ts";

/** A machine with servers of known versions in all places that are looked at. */
async function machine() {
  const root = await temporaryDir();
  const [path, cacheDir] = [join(root, "path"), join(root, "cache")];
  await mkdir(path);
  const serverBin = await fakeServerIn(root, "2.15.1");
  await fakeServerIn(path, "2.9.10");
  for (const version of ["2.9.10", "2.12.0", "2.10.27"]) await cache(cacheDir, version, "newest");
  return { url: "nats://elsewhere:4222", serverBin, path: `/nonexistent:${path}`, cacheDir };
}

async function cache(cacheDir: string, version: string, line: ServerLine) {
  const staged = await stagingDir(cacheDir);
  await fakeServerIn(staged, version);
  await addToCache(cacheDir, staged, { version, lines: [line], pin: version, source: "test" });
}

test("BATUTA_NATS_URL wins over every server on this machine", async () => {
  const values = await machine();
  expect(await resolveNatsServer(values)).toEqual({ kind: "external", url: values.url });
});

test("BATUTA_NATS_SERVER_BIN wins over PATH, and PATH over the cache", async () => {
  const { serverBin, path, cacheDir } = await machine();
  const named = await resolveNatsServer({ serverBin, path, cacheDir });
  expect(named).toMatchObject({ from: "BATUTA_NATS_SERVER_BIN", version: "2.15.1" });
  expect(await resolveNatsServer({ path, cacheDir })).toMatchObject({
    from: "PATH",
    version: "2.9.10",
    warning: expect.stringContaining("older than 2.14.0"),
  });
});

test("the cache gives its newest server", async () => {
  const { cacheDir } = await machine();
  const found = await resolveNatsServer({ path: "", cacheDir });
  expect(found).toMatchObject({ from: "cache", version: "2.12.0" });
});

test("an old server that only the tests asked for is not used", async () => {
  const cacheDir = await temporaryDir();
  await cache(cacheDir, "2.9.10", "2.9");
  expect(await findNatsServer({ cacheDir })).toBeUndefined();
});

test("a machine without a server gets one at its first use, and is told", async () => {
  const cacheDir = await temporaryDir();
  const told: string[] = [];
  const step: InstallStep = async ({ staging }) => ({
    binary: await fakeServerIn(staging, "2.15.1"),
    source: "a fake",
  });
  const options = { steps: [step], onProgress: (line: string) => told.push(line) };
  const server = await ensureNatsServer({ cacheDir }, options);
  expect(server).toMatchObject({ from: "cache", version: "2.15.1" });
  expect(told[0]).toContain("no nats-server on this machine");
  expect(await ensureNatsServer({ cacheDir }, { steps: [] })).toEqual(server);
});

test("a BATUTA_NATS_SERVER_BIN that is no nats-server is an error that names it", async () => {
  const { cacheDir } = await machine();
  const wrong = resolveNatsServer({ serverBin: "/bin/true", cacheDir });
  await expect(wrong).rejects.toMatchObject({
    code: "CONFIG",
    message: expect.stringContaining("BATUTA_NATS_SERVER_BIN (/bin/true)"),
  });
});

test("without a server the error lists every way to get one", async () => {
  const cacheDir = await temporaryDir();
  expect(await findNatsServer({ cacheDir })).toBeUndefined();
  for (const way of ["BATUTA_NATS_URL", "BATUTA_NATS_SERVER_BIN", "PATH", "batuta nats install"]) {
    await expect(resolveNatsServer({ cacheDir })).rejects.toThrow(way);
  }
});

test("the cache directory is BATUTA_CACHE_DIR, else XDG_CACHE_HOME/batuta, else ~/.cache/batuta", () => {
  const home = "/home/ada";
  expect(cacheDirFrom({ cacheDir: "/c", xdgCacheHome: "/x", home })).toBe("/c");
  expect(cacheDirFrom({ cacheDir: "", xdgCacheHome: "/x", home })).toBe("/x/batuta");
  expect(cacheDirFrom({ home })).toBe("/home/ada/.cache/batuta");
});
