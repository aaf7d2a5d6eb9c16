import { hostname } from "node:os";
import type { Config } from "../../config/variables.ts";
import { startBridge } from "../../processes/bridge/bridge.ts";
import { createLog } from "../../telemetry/log.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { natsUrlOf } from "../nats/sources.ts";
import { endsWithin, stopRequest } from "../stop-signals.ts";
import { waitForBus } from "./wait-for-bus.ts";

/** `batuta bridge`: joins a RabbitMQ broker until SIGTERM or Ctrl-C; settles what is under way first. */
export async function bridge(config: Config): Promise<ExitCode> {
  const log = createLog({ ...config.log, base: { process: "bridge" } });
  const stop = stopRequest({ force: () => process.exit(EXIT.forced) });
  try {
    const url = natsUrlOf(config);
    if ((await waitForBus(config, url, log, stop.signal)) === undefined) return EXIT.ok;
    const running = await startBridge(config, url, bridgeId(), log);
    log.info({ httpUrl: running.httpUrl }, "bridge running");
    await stop.asked;
    if (!(await endsWithin(running.stop(), config.process.shutdownTimeoutMs)))
      log.warn({}, "did not stop in time; ending now");
    log.info({ counts: running.health().counts }, "bridge stopped");
    return EXIT.ok;
  } finally {
    stop.close();
  }
}

/** Several may run on one host. */
function bridgeId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9-]+/g, "-")
    .slice(0, 40);
  return `bridge-${host}-${process.pid}`;
}
