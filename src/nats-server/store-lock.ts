import { setTimeout as delay } from "node:timers/promises";
import { ConfigError } from "../domain/errors.ts";
import { makeDirectory } from "./directories.ts";
import { LockedError, type LockFile, type LockRecord, takeLock } from "./lock-file.ts";
import { isRunning } from "./process-identity.ts";
import { storeFiles } from "./server-config.ts";
import { stopProcess } from "./stop-process.ts";

/** Longer than a server that lost its parent may take to end by itself. */
const ORPHAN_WAIT_MS = 12_000;

/**
 * Locks a store directory for one server; nats-server itself would start twice on it. The leftover
 * of a process that is gone is taken over, once the server that it left is gone too.
 * @throws ConfigError naming the process while a live one holds it, or when it cannot be written.
 */
export async function lockStore(storeDir: string): Promise<LockFile> {
  await makeDirectory(storeDir, "data directory");
  const path = storeFiles(storeDir).lock;
  const until = Date.now() + ORPHAN_WAIT_MS;
  for (;;) {
    try {
      return await takeLock(path);
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      if (await isRunning(error.holder.owner)) throw inUse(storeDir, error);
      if (Date.now() > until) await endOrphan(error.holder);
      await delay(50);
    }
  }
}

async function endOrphan({ server }: LockRecord): Promise<void> {
  if (server !== undefined) await stopProcess(server);
}

function inUse(storeDir: string, cause: LockedError): ConfigError {
  const { owner, server } = cause.holder;
  const detached = server?.pid === owner.pid;
  const who = detached
    ? `nats-server ${owner.pid} (\`batuta nats stop\` ends it)`
    : `process ${owner.pid}`;
  return new ConfigError(`the data directory ${storeDir} is in use by ${who}`, { cause });
}
