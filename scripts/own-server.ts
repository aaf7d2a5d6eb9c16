import { homedir } from "node:os";
import { loadConfig } from "../src/config/load.ts";
import { ensureNatsServer } from "../src/nats-server/ensure.ts";
import { type NatsServer, type StartOptions, startNatsServer } from "../src/nats-server/start.ts";

/** A nats-server of a script's own, installed first where there is none; `tell` hears of the progress. */
export async function startOwnServer(
  options: Omit<StartOptions, "server">,
  tell: (line: string) => void,
): Promise<NatsServer> {
  const { nats, paths } = loadConfig();
  const where = {
    serverBin: nats.serverBin,
    path: process.env.PATH,
    cacheDir: paths.cacheDir,
    home: homedir(),
  };
  const server = await ensureNatsServer(where, { onProgress: tell });
  return startNatsServer({ ...options, server });
}
