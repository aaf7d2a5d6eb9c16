import { join } from "node:path";
import { isAtLeast } from "../domain/server-version.ts";
import type { Durability } from "./durability.ts";

/**
 * A body over this size cannot be published at all. Above Batuta's own limit on purpose: a flow of
 * 2 MB reaches the orchestrator and is dead-lettered with a reason, instead of a dropped connection.
 */
const MAX_PAYLOAD = "8MB";

export interface ServerSettings {
  readonly version: string;
  readonly storeDir: string;
  readonly host: string;
  /** -1 lets the server take a free port. */
  readonly port: number;
  readonly durability: Durability;
}

/** The files of a server, all inside its store directory. */
export function storeFiles(storeDir: string) {
  return {
    config: join(storeDir, "nats-server.conf"),
    log: join(storeDir, "nats-server.log"),
    /** What the server prints before its log is open, such as an error in the configuration. */
    output: join(storeDir, "nats-server.out"),
    pid: join(storeDir, "nats-server.pid"),
    /** How a detached server was started. */
    state: join(storeDir, "nats-server.json"),
    lock: join(storeDir, ".batuta.lock"),
  };
}

/** The configuration file. Monitoring stays on loopback whatever `host` is. */
export function serverConfig(settings: ServerSettings): string {
  const files = storeFiles(settings.storeDir);
  const rotates = isAtLeast(settings.version, "2.10.0");
  const lines = [
    "# Written by Batuta at each start; changes are lost.",
    `host: ${JSON.stringify(settings.host)}`,
    `port: ${settings.port}`,
    `http: "127.0.0.1:-1"`,
    `max_payload: ${MAX_PAYLOAD}`,
    `pid_file: ${JSON.stringify(files.pid)}`,
    `ports_file_dir: ${JSON.stringify(settings.storeDir)}`,
    `log_file: ${JSON.stringify(files.log)}`,
    ...(rotates ? ["logfile_size_limit: 32MB", "logfile_max_num: 3"] : []),
    "jetstream {",
    `  store_dir: ${JSON.stringify(settings.storeDir)}`,
    ...(settings.durability === "strict" ? ["  sync_interval: always"] : []),
    "}",
  ];
  return `${lines.join("\n")}\n`;
}
