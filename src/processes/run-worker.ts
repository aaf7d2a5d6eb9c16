import { hostname } from "node:os";
import { ulid } from "ulid";
import type { Config } from "../config/variables.ts";
import { coreNodeTypes, type NodeCatalog } from "../engine/node-types.ts";
import { coreEngine, warmUp } from "./core-engine.ts";
import type { ProcessLog } from "./process-log.ts";
import { startWorker, type WorkerHandle } from "./worker.ts";

/**
 * A worker as the settings say, with the node types of `catalog` (default: those that ship).
 *
 * @throws UnreachableError when no server answers; ConfigError when its supervisor refuses it.
 */
export function runWorker(
  config: Config,
  natsUrl: string,
  log: ProcessLog,
  signal?: AbortSignal,
  catalog: NodeCatalog = coreNodeTypes,
): Promise<WorkerHandle> {
  const { worker, nats } = config;
  const { maxConcurrentFlows, maxConcurrentNodes, memoryLimitMB, cpuLimitCores } = worker;
  const engine = coreEngine({ catalog, maxConcurrentNodes, log });
  warmUp((body) => engine.prepare(body.flowData));
  const options = {
    natsUrl,
    prefix: nats.subjectPrefix,
    workerId: worker.id ?? madeUpId(),
    pool: worker.pool,
    labels: worker.labels,
    capacity: { maxConcurrentFlows, maxConcurrentNodes, memoryLimitMB, cpuLimitCores },
    heartbeatIntervalMs: worker.heartbeatIntervalMs,
    drainTimeoutMs: worker.drainTimeoutMs,
    engine,
    inspection: config.inspect,
    log,
  };
  return startWorker(options, signal);
}

/** Readable and unique: the host, and the random end of a ULID. */
function madeUpId(): string {
  const host = hostname()
    .replace(/[^A-Za-z0-9-]+/g, "-")
    .slice(0, 40);
  return `${host}-${ulid().slice(-6).toLowerCase()}`;
}
