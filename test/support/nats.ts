import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setInterval } from "node:timers/promises";
import { type ConnectionOptions, connect, type NatsConnection } from "nats";
import { beforeEach, inject, onTestFinished, type TestContext } from "vitest";
import { isAtLeast } from "../../src/domain/server-version.ts";
import {
  type NatsServer,
  type StartOptions,
  startNatsServer,
} from "../../src/nats-server/start.ts";

/** The nats-server that the tests of a project share. */
export interface TestNats {
  readonly url: string;
  readonly version: string;
  /** Whether the server is that version or newer, for `test.skipIf` and branches. */
  atLeast(version: string): boolean;
  /** A connection that is closed when the current test ends. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
}

/**
 * The shared server, called once at the top of a test file: its tests are skipped, with the reason,
 * where there is no server. Keep what a test makes apart by `testPrefix`.
 */
export function useNats(): TestNats {
  const nats = inject("nats");
  beforeEach((context) => {
    if ("missing" in nats) context.skip(nats.missing);
  });
  const { url, version } = "missing" in nats ? { url: "", version: "0.0.0" } : nats;
  return {
    url,
    version,
    atLeast: (floor) => isAtLeast(version, floor),
    async connect(options = {}) {
      const nc = await connect({ servers: url, ...options });
      onTestFinished(() => nc.close());
      return nc;
    },
  };
}

/**
 * A subject prefix for one test, the same at each run: 10 letters and digits that may stand in
 * subjects, streams, buckets and ids. A test that is retried gets another one.
 */
export function testPrefix(task: TestContext["task"]): string {
  const nats = inject("nats");
  const runId = "missing" in nats ? "" : nats.runId;
  const parts = [task.file.name, ...titles(task), task.result?.retryCount ?? 0, runId];
  const digest = createHash("sha256").update(JSON.stringify(parts)).digest();
  return `t${digest.readBigUInt64BE().toString(36).slice(0, 9)}`;
}

/**
 * A server of the project's version for one test alone, which may kill it. Stopped, with its store
 * deleted, when the test ends.
 */
export async function startPrivateNats(
  options: Partial<Omit<StartOptions, "server">> = {},
): Promise<NatsServer> {
  const server = { kind: "binary", ...privateBinary() } as const;
  const storeDir = options.storeDir ?? (await temporaryDir());
  const started = await startNatsServer({ ...options, server, storeDir });
  onTestFinished(() => started.stop());
  return started;
}

/** A server with settings of the test's own, `lines` of its configuration. Gone when the test ends. */
export async function startNatsWith(...lines: readonly string[]): Promise<string> {
  const folder = await temporaryDir();
  const config = join(folder, "nats.conf");
  const own = [`jetstream { store_dir: "${folder}" }`, `ports_file_dir: "${folder}"`, "port: -1"];
  await writeFile(config, [...own, ...lines, ""].join("\n"));
  const server = spawn(privateBinary().path, ["-c", config], { stdio: "ignore" });
  onTestFinished(() => void server.kill("SIGKILL"));
  for await (const _ of setInterval(50)) {
    const ports = (await readdir(folder)).find((name) => name.endsWith(".ports"));
    const text = ports === undefined ? "" : await readFile(join(folder, ports), "utf8");
    if (text !== "") return (JSON.parse(text) as { nats: [string] }).nats[0];
  }
  throw new Error("unreachable: the loop above has no end");
}

/** The binary of the project's server; there is none on an external server or in a container. */
export function privateBinary(): { readonly path: string; readonly version: string } {
  const nats = inject("nats");
  if ("missing" in nats || nats.binary === undefined) {
    throw new Error("tests that start a server of their own need a native nats-server");
  }
  return { path: nats.binary, version: nats.version };
}

/** Whether `startPrivateNats` works here; `test.skipIf(!hasPrivateNats())`. */
export function hasPrivateNats(): boolean {
  const nats = inject("nats");
  return !("missing" in nats) && nats.binary !== undefined;
}

/** A new folder that is deleted when the current test ends. */
export async function temporaryDir(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "batuta-test-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  return directory;
}

function titles(task: TestContext["task"]): readonly string[] {
  const names = [task.name];
  for (let suite = task.suite; suite !== undefined; suite = suite.suite) names.unshift(suite.name);
  return names;
}
