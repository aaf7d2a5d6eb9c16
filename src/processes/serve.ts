import { loadConfig } from "../config/load.ts";
import type { NodeType } from "../engine/define-node.ts";
import { coreNodeTypeList, nodeTypes } from "../engine/node-types.ts";
import { createLog } from "../telemetry/log.ts";
import { runWorker } from "./run-worker.ts";
import type { WorkerHandle } from "./worker.ts";

const DEFAULT_URL = "nats://127.0.0.1:4222";

export interface ServeOptions {
  /** Default: BATUTA_NATS_URL, else nats://127.0.0.1:4222. */
  readonly url?: string;
  /** How many executions at once; default BATUTA_WORKER_MAX_CONCURRENT_FLOWS, else 5. */
  readonly slots?: number;
  readonly workerId?: string;
}

/**
 * Runs a worker in this process, with node types of your own beside those that ship. Resolves once
 * an orchestrator has admitted it. SIGTERM drains it; so does `await using`, or `stop(reason)`.
 *
 * @throws UnreachableError when no server answers; ConfigError for a setting or a type name that is
 * taken.
 */
export async function serve(
  nodes: readonly NodeType[] = [],
  options: ServeOptions = {},
): Promise<WorkerHandle> {
  const config = loadConfig({
    flags: {
      BATUTA_WORKER_MAX_CONCURRENT_FLOWS: options.slots?.toString(),
      BATUTA_WORKER_ID: options.workerId,
    },
  });
  const url = options.url ?? config.nats.url ?? DEFAULT_URL;
  const log = createLog({ ...config.log, base: { process: "worker" } });
  const catalog = nodeTypes([...coreNodeTypeList, ...nodes]);
  const worker = await runWorker(config, url, log, undefined, catalog);
  const drain = () => void worker.stop("SIGTERM");
  process.once("SIGTERM", drain);
  void worker.stopped.then(() => process.removeListener("SIGTERM", drain));
  return worker;
}
