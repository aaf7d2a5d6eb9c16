import { hostname } from "node:os";
import { BusInspectionSource } from "../bus/inspection-source.ts";
import type { Config } from "../config/variables.ts";
import { coreNodeTypes } from "../engine/node-types.ts";
import { routesOf } from "../http/routes.ts";
import { startHttpServer } from "../http/server.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { Provisioner } from "../provisioners/provisioner.ts";
import { flowNeeds, warmUp } from "./core-engine.ts";
import type { DurabilityFacts } from "./health-checks.ts";
import { Inspection } from "./inspection.ts";
import { type LazyInspection, lazyInspection } from "./inspection-lazily.ts";
import type { Orchestrator } from "./orchestrator.ts";
import { orchestratorPort } from "./orchestrator-port.ts";
import type { ProcessLog } from "./process-log.ts";
import type { OrchestratorScaling } from "./scaling/autoscaling.ts";
import { scalingPolicyOf } from "./scaling/scaling-policy.ts";
import { serveKeda } from "./scaling/serve-keda.ts";
import { startOrchestrator } from "./start-orchestrator.ts";
import { VERSION } from "./version.ts";

export interface RunningOrchestrator {
  readonly orchestrator: Orchestrator;
  /** Undefined where HTTP is switched off. */
  readonly httpUrl: string | undefined;
  stop(reason: string): Promise<void>;
}

export interface RunOptions {
  /** Of the server that is used; by default one that somebody else runs. */
  readonly durability?: DurabilityFacts | undefined;
  /** What starts and stops workers. It is closed with the orchestrator, before it. */
  readonly provisioner: Provisioner;
  /** Called for each task that is given to a worker. */
  readonly worked?: () => void;
}

/**
 * An orchestrator with its HTTP API, as the settings say.
 *
 * @throws UnreachableError when no server answers; ConfigError when HTTP or the scaler of KEDA
 * cannot be served.
 */
export async function runOrchestrator(
  config: Config,
  natsUrl: string,
  log: ProcessLog,
  { durability = unknownDurability(config), provisioner, worked }: RunOptions,
): Promise<RunningOrchestrator> {
  const needsOf: (body: ExecuteMessage) => ReturnType<ReturnType<typeof flowNeeds>> = flowNeeds({
    catalog: coreNodeTypes,
    unknownTypes: config.dispatch.unknownTypes,
    isSupported: (type) => orchestrator.fleet.members().some(({ supports }) => supports.has(type)),
  });
  warmUp(needsOf);
  const orchestrator = await startOrchestrator({
    natsUrl,
    prefix: config.nats.subjectPrefix,
    topology: {
      replicas: config.nats.replicas,
      ackWaitMs: config.dispatch.ackWaitMs,
      heartbeatIntervalMs: Math.max(15_000, config.worker.heartbeatIntervalMs),
    },
    weights: config.lanes.weights,
    balancing: config.balancer,
    retry: config.retry,
    maxPayloadBytes: config.limits.taskMaxPayloadBytes,
    unplaceableTimeoutMs: config.dispatch.unplaceableTimeoutMs,
    heartbeatIntervalMs: config.worker.heartbeatIntervalMs,
    drainTimeoutMs: config.worker.drainTimeoutMs,
    shutdownTimeoutMs: config.process.shutdownTimeoutMs,
    janitorIntervalMs: config.janitor.intervalMs,
    sampleShare: config.decisions.assignSample,
    scaling: { ...scalingOf(config), provisioner },
    needsOf,
    worked,
    log,
  });
  const { inspection, gateway } = inspectionOf(config, orchestrator, log);
  let keda: AsyncDisposable | undefined;
  const stopAll = async (reason: string) => {
    await gateway?.close();
    await inspection?.close();
    await keda?.[Symbol.asyncDispose]();
    // Workers first: they report what they finish, and nobody is to start others in their place.
    orchestrator.scaling.stop();
    await provisioner[Symbol.asyncDispose]();
    await orchestrator.stop(reason);
  };
  try {
    keda = await kedaOf(config, orchestrator, log);
    if (!config.http.enabled) return { orchestrator, httpUrl: undefined, stop: stopAll };
    const actors = new BusInspectionSource(orchestrator.control);
    const port = orchestratorPort(orchestrator, { needsOf, durability, actors });
    const options = { ...config.http, ...(gateway && { extensions: gateway.extensions }) };
    const http = await startHttpServer((deps) => routesOf(port, deps), options, log);
    const stop = async (reason: string) => {
      await http.close();
      await stopAll(reason);
    };
    return { orchestrator, httpUrl: http.url, stop };
  } catch (error) {
    await stopAll("what it serves could not be served");
    throw error;
  }
}

/** What tells of the actors here, and serves those of all processes to people. */
function inspectionOf(
  { inspect: settings, http }: Config,
  { control: bus, kernel, id }: Orchestrator,
  log: ProcessLog,
): { inspection?: Inspection; gateway?: LazyInspection } {
  if (!settings.enabled) return {};
  const inspection = new Inspection({ bus, kernel, node: id, kind: "orchestrator", settings, log });
  if (!http.enabled) return { inspection };
  const source = new BusInspectionSource(bus);
  const { sink, redact } = inspection;
  const host = { hostname: hostname(), version: VERSION };
  const gateway = lazyInspection({ source, sink, redact, host, config: settings, log });
  return { inspection, gateway };
}

/** KEDA's push scaler, where it is switched on. */
async function kedaOf(
  { scaling, http }: Config,
  { control: bus }: Orchestrator,
  log: ProcessLog,
): Promise<AsyncDisposable | undefined> {
  const { provisioner, kedaPort: port } = scaling;
  if (provisioner !== "keda" || port === 0) return undefined;
  return serveKeda({ bus, host: http.host, port, log });
}

function scalingOf({ scaling }: Config): Omit<OrchestratorScaling, "provisioner"> {
  const { enabled, evaluationIntervalMs, startupTimeoutMs } = scaling;
  return { enabled, evaluationIntervalMs, startupTimeoutMs, policy: scalingPolicyOf(scaling) };
}

/** For a server that somebody else runs: how it syncs cannot be asked over the bus. */
function unknownDurability(config: Config): DurabilityFacts {
  return {
    requested: config.nats.durability,
    effective: "standard",
    detail:
      "an external server: acknowledged work survives process crashes; whether it survives a power cut depends on its sync_interval",
  };
}
