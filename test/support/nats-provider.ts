import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { cacheDirFrom } from "../../src/nats-server/cache.ts";
import { installNatsServer } from "../../src/nats-server/install.ts";
import { readServerInfo } from "../../src/nats-server/server-info.ts";
import { startNatsServer } from "../../src/nats-server/start.ts";
import { LINE_SOURCES, type ServerLine } from "../../src/nats-server/versions.ts";

/** What a project's tests get: a running server, or the reason why there is none. */
export type ProvidedNats =
  | {
      readonly url: string;
      readonly version: string;
      /** The server's binary, where tests may start servers of their own. */
      readonly binary?: string;
      /** Told apart from earlier runs on the same external server. */
      readonly runId: string;
    }
  | { readonly missing: string };

export interface NatsProvider {
  readonly nats: Exclude<ProvidedNats, { missing: string }>;
  readonly from: string;
  stop(): Promise<void>;
}

declare module "vitest" {
  interface ProvidedContext {
    natsLine: ServerLine;
    nats: ProvidedNats;
  }
}

/** BATUTA_TEST_NATS_URL, else a native server of that line, else a container. Rejects with every reason. */
export async function provideNats(line: ServerLine): Promise<NatsProvider> {
  const url = process.env.BATUTA_TEST_NATS_URL;
  if (url) return external(url);
  const reasons: string[] = [];
  for (const way of [native, container]) {
    try {
      return await way(line);
    } catch (error) {
      reasons.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(`no nats-server for the tests:\n${reasons.join("\n")}`);
}

async function external(url: string): Promise<NatsProvider> {
  const { version } = await readServerInfo(url);
  const runId = Date.now().toString(36);
  return { nats: { url, version, runId }, from: "BATUTA_TEST_NATS_URL", stop: async () => {} };
}

async function native(line: ServerLine): Promise<NatsProvider> {
  const { BATUTA_CACHE_DIR: cacheDir, XDG_CACHE_HOME: xdgCacheHome } = process.env;
  const cached = await installNatsServer({
    cacheDir: cacheDirFrom({ cacheDir, xdgCacheHome, home: homedir() }),
    line,
    onProgress: (text) => process.stderr.write(`nats-server (${line}): ${text}\n`),
  });
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-test-nats-"));
  const { path, version } = cached;
  const server = await startNatsServer({ server: { kind: "binary", path, version }, storeDir });
  return {
    nats: { url: server.url, version, binary: path, runId: "" },
    from: path,
    async stop() {
      await server.stop();
      await rm(storeDir, { recursive: true, force: true });
    },
  };
}

/** Imported only here: it takes a second to load, and rejects where no container engine answers. */
async function container(line: ServerLine): Promise<NatsProvider> {
  const { GenericContainer, Wait } = await import("testcontainers");
  const image = `nats:${LINE_SOURCES[line].release}`;
  const started = await new GenericContainer(image)
    .withCopyContentToContainer([{ content: "max_payload: 8MB\n", target: "/batuta.conf" }])
    .withCommand(["-c", "/batuta.conf", "-js", "-m", "8222"])
    .withExposedPorts(4222)
    .withWaitStrategy(Wait.forLogMessage("Server is ready"))
    .start();
  const url = `nats://${started.getHost()}:${started.getMappedPort(4222)}`;
  const { version } = await readServerInfo(url);
  return {
    nats: { url, version, runId: "" },
    from: `container of ${image}`,
    async stop() {
      await started.stop();
    },
  };
}
