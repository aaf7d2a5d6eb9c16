import type { Config } from "../../config/variables.ts";
import { runWorker } from "../../processes/run-worker.ts";
import type { WorkerHandle } from "../../processes/worker.ts";
import { createLog, type Log } from "../../telemetry/log.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { natsUrlOf } from "../nats/sources.ts";
import { endsWithin, type StopRequest, stopRequest } from "../stop-signals.ts";
import { onLifelineCut } from "./lifeline.ts";
import { waitForBus } from "./wait-for-bus.ts";

/** Its server went with its parent: nothing that a longer drain would finish could be committed. */
const ORPHAN_DRAIN_MS = 2_000;

/** `batuta worker`: runs tasks until SIGTERM, Ctrl-C, or a command of its supervisor; drains first. */
export async function worker(config: Config, options: WorkerOptions): Promise<ExitCode> {
  const log = createLog({ ...config.log, base: { process: "worker" } });
  const stop = stopRequest({ force: () => process.exit(EXIT.forced) });
  if (options.lifeline) {
    onLifelineCut(process.stdin, () => {
      log.warn({}, "the process that started this worker is gone; ending");
      stop.stop("orphaned");
      setTimeout(() => process.exit(EXIT.ok), ORPHAN_DRAIN_MS).unref();
    });
  }
  try {
    const running = await start(config, log, stop);
    if (running !== undefined) await untilStopped(config, running, stop, log);
    return EXIT.ok;
  } finally {
    stop.close();
  }
}

export interface WorkerOptions {
  /** Standard input is a pipe from the parent: end when it ends. */
  readonly lifeline: boolean;
}

/** Undefined when it was told to stop before it was admitted. */
async function start(
  config: Config,
  log: Log,
  stop: StopRequest,
): Promise<WorkerHandle | undefined> {
  const url = natsUrlOf(config);
  if ((await waitForBus(config, url, log, stop.signal)) === undefined) return undefined;
  try {
    return await runWorker(config, url, log, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return undefined;
    throw error;
  }
}

async function untilStopped(
  config: Config,
  running: WorkerHandle,
  stop: StopRequest,
  log: Log,
): Promise<void> {
  const reason = await Promise.race([stop.asked, running.stopped]);
  if (reason === undefined) return;
  const { shutdownTimeoutMs } = config.process;
  if (await endsWithin(running.stop(reason), shutdownTimeoutMs)) return;
  log.warn({ shutdownTimeoutMs }, "did not stop in time; ending now");
}
