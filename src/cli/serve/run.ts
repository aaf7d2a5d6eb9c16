import { ulid } from "ulid";
import { withoutPasswords } from "../../config/explain.ts";
import type { Config } from "../../config/variables.ts";
import { describeDurability } from "../../nats-server/durability.ts";
import { type RunningOrchestrator, runOrchestrator } from "../../processes/run-orchestrator.ts";
import { createLog, type Log } from "../../telemetry/log.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { FlagValues } from "../flags.ts";
import { durabilityFacts } from "../nats/embedded.ts";
import { openServer, type ServerInUse } from "../nats/server-in-use.ts";
import { endsWithin, type StopRequest, stopRequest } from "../stop-signals.ts";
import type { Terminal } from "../terminal.ts";
import type { Heap } from "./heap.ts";
import { provisionerOf } from "./provisioner-of.ts";

/** `batuta run`: an orchestrator with its HTTP API, until SIGTERM or Ctrl-C. */
export async function run(
  config: Config,
  values: FlagValues,
  terminal: Terminal,
  heap: Heap,
): Promise<ExitCode> {
  const log = createLog({ ...config.log, base: { process: "orchestrator" } });
  const stop = stopRequest({ force: () => process.exit(EXIT.forced) });
  if (config.nats.url === undefined) {
    terminal.say("BATUTA_NATS_URL is not set: starting a nats-server that ends with this process");
  }
  const server = await openServer(config, (line) => terminal.say(line), log, stop.signal);
  try {
    if (server !== undefined) await serve({ config, values, heap }, server, log, stop);
    return EXIT.ok;
  } finally {
    await server?.stop();
    stop.close();
  }
}

/** Rejects when the server of our own ended for good. */
async function serve(
  { config, values, heap }: { config: Config; values: FlagValues; heap: Heap },
  server: ServerInUse,
  log: Log,
  stop: StopRequest,
): Promise<void> {
  const durability = durabilityFacts(config, server);
  const worked = () => heap.worked();
  const say = (line: string) => log.warn({}, line);
  // Unique: two orchestrators on one host would have their workers evict each other.
  const baseId = config.worker.id ?? `worker-${ulid().slice(-6).toLowerCase()}`;
  const options = { config, natsUrl: server.url, values, baseId, say };
  // Without this process there is no server either, where it is our own.
  const outlive = config.nats.url !== undefined;
  const provisioner = await provisionerOf({ ...options, outlive }, "none");
  const running = await runOrchestrator(config, server.url, log, {
    durability,
    provisioner,
    worked,
  });
  log.info(aboutRun(server, running), "orchestrator running");
  let failure: Error | undefined;
  server.onExit((error) => {
    failure = error;
    stop.stop("nats-server ended");
  });
  server.onRestart(({ pid }) => log.warn({ pid }, "nats-server crashed and was started again"));
  const reason = await stop.asked;
  log.info({ reason }, "stopping");
  const { shutdownTimeoutMs } = config.process;
  if (await endsWithin(running.stop(reason), shutdownTimeoutMs)) log.info({ reason }, "stopped");
  else log.warn({ shutdownTimeoutMs }, "did not stop in time; ending now");
  if (failure !== undefined) throw failure;
}

function aboutRun(server: ServerInUse, { httpUrl }: RunningOrchestrator) {
  return {
    natsUrl: withoutPasswords(server.url),
    natsVersion: server.version,
    durability: describeDurability(server.durability),
    dataDir: server.storeDir ?? "(kept by the server)",
    httpUrl: httpUrl ?? "(off)",
  };
}
