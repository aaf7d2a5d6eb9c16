import { assertDurability, type Durability, type EffectiveDurability } from "./durability.ts";
import type { LockFile } from "./lock-file.ts";
import type { ResolvedServer } from "./resolve.ts";
import type { RestartPolicy } from "./restart-policy.ts";
import { readServerInfo } from "./server-info.ts";
import { lockStore } from "./store-lock.ts";
import { type ServerRestart, type SupervisedServer, superviseServer } from "./supervise.ts";

export interface StartOptions {
  /** From `resolveNatsServer`, or `{kind: "binary", path, version, …}` made by hand. */
  readonly server:
    | Extract<ResolvedServer, { kind: "external" }>
    | { readonly kind: "binary"; readonly path: string; readonly version: string };
  /** Where streams are kept; locked while the server runs. Not used for an external server. */
  readonly storeDir: string;
  /** Default -1: any free port, the same again after a crash. */
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default "default". */
  readonly durability?: Durability;
  /** Default 60 s. */
  readonly readyTimeoutMs?: number;
  /** Default: 5 restarts in 30 s. */
  readonly restart?: RestartPolicy;
}

/** A nats-server in use: one that we run, or an external one that is only looked at. */
export interface NatsServer extends AsyncDisposable {
  readonly url: string;
  readonly version: string;
  readonly external: boolean;
  /** Undefined for an external server; changes after a restart. */
  readonly pid: number | undefined;
  /** Undefined for an external server. */
  readonly storeDir: string | undefined;
  readonly monitoringUrl: string | undefined;
  readonly durability: EffectiveDurability;
  /** Calls back when a crashed server is ready again, on the same URL. Returns how to end that. */
  onRestart(listener: (restart: ServerRestart) => void): () => void;
  /** Calls back once when it runs no more: with an error when it crashed too often. */
  onExit(listener: (error: Error | undefined) => void): () => void;
  /** SIGTERM, then SIGKILL after 10 s. Leaves an external server alone. */
  stop(): Promise<void>;
}

/**
 * Runs a nats-server for this process: ready when this resolves, started again when it crashes,
 * gone when this process is gone, however that ends. An external server is asked for its version.
 * @throws ConfigError when the store is in use, the port is taken or the durability is not possible;
 * UnreachableError when the server does not start or does not answer.
 */
export async function startNatsServer(options: StartOptions): Promise<NatsServer> {
  const { server } = options;
  if (server.kind === "external") return externalServer(server.url);
  const { path: binary, version } = server;
  const { storeDir, durability = "default", port = -1, host = "127.0.0.1", restart } = options;
  assertDurability(durability, version);
  const lock = await lockStore(storeDir);
  try {
    const { readyTimeoutMs = 60_000 } = options;
    const onSpawn = lock.setServer;
    const spec = { binary, version, storeDir, host, port, durability, readyTimeoutMs, onSpawn };
    const supervised = await superviseServer(spec, restart);
    supervised.onExit(() => void lock.release());
    return ownServer(supervised, lock, { version, storeDir, durability });
  } catch (error) {
    await lock.release();
    throw error;
  }
}

function ownServer(
  supervised: SupervisedServer,
  lock: LockFile,
  facts: { readonly version: string; readonly storeDir: string; readonly durability: Durability },
): NatsServer {
  const stop = async () => {
    await supervised.stop();
    await lock.release();
  };
  return {
    ...facts,
    external: false,
    url: supervised.current().url,
    get pid() {
      return supervised.current().identity.pid;
    },
    get monitoringUrl() {
      return supervised.current().monitoringUrl;
    },
    onRestart: supervised.onRestart,
    onExit: supervised.onExit,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

async function externalServer(url: string): Promise<NatsServer> {
  const { version } = await readServerInfo(url);
  const nothing = async () => {};
  return {
    url,
    version,
    external: true,
    pid: undefined,
    storeDir: undefined,
    monitoringUrl: undefined,
    durability: "external",
    onRestart: () => () => {},
    onExit: () => () => {},
    stop: nothing,
    [Symbol.asyncDispose]: nothing,
  };
}
