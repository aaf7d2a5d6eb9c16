import type { Config } from "../../config/variables.ts";
import type { NatsServer } from "../../nats-server/start.ts";
import { ageWarning } from "../../nats-server/versions.ts";
import type { ProcessLog } from "../../processes/process-log.ts";
import { waitForBus } from "../serve/wait-for-bus.ts";
import { startEmbedded } from "./embedded.ts";

/** The server that an orchestrator is started on: our own, or one that is only connected to. */
export type ServerInUse = Pick<
  NatsServer,
  "url" | "version" | "durability" | "storeDir" | "onExit" | "onRestart" | "stop"
>;

/**
 * BATUTA_NATS_URL if it is set, waiting until it answers; else a server of our own. Undefined when
 * `signal` ended the wait.
 */
export async function openServer(
  config: Config,
  say: (line: string) => void,
  log: ProcessLog,
  signal: AbortSignal,
): Promise<ServerInUse | undefined> {
  const { url } = config.nats;
  if (url === undefined) return startEmbedded(config, say);
  const facts = await waitForBus(config, url, log, signal);
  if (facts === undefined) return undefined;
  const warning = ageWarning(facts.serverVersion);
  if (warning !== undefined) say(`warning: ${warning}`);
  return external(url, facts.serverVersion);
}

function external(url: string, version: string): ServerInUse {
  const never = () => () => {};
  return {
    url,
    version,
    durability: "external",
    storeDir: undefined,
    onExit: never,
    onRestart: never,
    stop: async () => {},
  };
}
