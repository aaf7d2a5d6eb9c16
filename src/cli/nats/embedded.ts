import type { Config } from "../../config/variables.ts";
import { ConfigError } from "../../domain/errors.ts";
import { natsStatus } from "../../nats-server/detached.ts";
import { describeDurability } from "../../nats-server/durability.ts";
import { type NatsServer, startNatsServer } from "../../nats-server/start.ts";
import type { DurabilityFacts } from "../../processes/health-checks.ts";
import { isPortFree } from "./free-port.ts";
import { binaryToStart, DEFAULT_PORT, serverDurability, storeDirOf } from "./sources.ts";

/**
 * Starts a nats-server of our own, which ends with this process: on port 4222 unless that is taken,
 * installed on first use.
 *
 * @throws ConfigError when another process has a server on the same data directory.
 */
export async function startEmbedded(
  config: Config,
  say: (line: string) => void,
): Promise<NatsServer> {
  const storeDir = storeDirOf(config);
  await refuseSecond(storeDir);
  const server = await binaryToStart(config, say);
  const port = (await isPortFree(DEFAULT_PORT, "127.0.0.1")) ? DEFAULT_PORT : -1;
  const started = await startNatsServer({
    server,
    storeDir,
    port,
    durability: serverDurability(config),
  });
  if (port === -1) {
    say(`port ${DEFAULT_PORT} is taken; nats-server listens on another one. Elsewhere, first run:`);
    say(`  export BATUTA_NATS_URL=${started.url}`);
  }
  return started;
}

/** The lock of the store would refuse it too, but cannot tell what to do instead. */
async function refuseSecond(storeDir: string): Promise<void> {
  const status = await natsStatus(storeDir);
  if (status.state === "running") {
    const { pid, url } = status.server;
    throw new ConfigError(
      `a nats-server (process ${pid}) runs on ${storeDir} already: ` +
        `use it with BATUTA_NATS_URL=${url}, or end it with \`batuta nats stop\``,
    );
  }
  if (status.state === "supervised") {
    throw new ConfigError(
      `another Batuta (process ${status.ownerPid}) runs on ${storeDir}: ` +
        "use its server with BATUTA_NATS_URL, or choose another --data-dir",
    );
  }
}

/** What health tells of a server of ours; undefined for one whose settings nobody here knows. */
export function durabilityFacts(
  config: Config,
  { durability }: Pick<NatsServer, "durability">,
): DurabilityFacts | undefined {
  if (durability === "external") return undefined;
  return {
    requested: config.nats.durability,
    effective: durability === "strict" ? "strict" : "standard",
    detail: describeDurability(durability),
  };
}
