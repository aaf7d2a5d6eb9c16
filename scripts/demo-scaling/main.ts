import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { publishStored } from "../../src/bus/publish.ts";
import { DemoFleet } from "../demo/fleet.ts";
import { report } from "../demo/report.ts";
import { startOwnServer } from "../own-server.ts";
import { burstChecks } from "./checks.ts";
import { explained } from "./explained.ts";
import { Timeline } from "./timeline.ts";

/** `npm run demo:scaling`: a burst on two workers, and what the supervisor makes of it. */
const EXECUTIONS = 5_000;
const TASK_MS = 50;
const WATERMARK = 1_000;
const READY_MS = 30_000;
const DONE_MS = 120_000;
const AT_ONCE = 500;

/** The rules and the limits are the defaults; only going down takes less time than it would by day. */
const SETTINGS = {
  BATUTA_SCALING_PROVISIONER: "process",
  BATUTA_SCALING_EVALUATION_INTERVAL: "1s",
  BATUTA_SCALING_DOWN_COOLDOWN: "1s",
  BATUTA_SCALING_DOWN_STABILIZATION: "5s",
  BATUTA_WORKER_ID: "w",
  BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "5",
};

process.exitCode = (await demo()) ? 0 : 1;

async function demo(): Promise<boolean> {
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-demo-scaling-"));
  const server = await startOwnServer({ storeDir }, (line) => console.error(line));
  const fleet = new DemoFleet(server.url);
  process.once("exit", () => fleet.killAll());
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta demo" });
    return await burst(bus, fleet);
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`);
    for (const line of fleet.complaints) console.error(`  ${line}`);
    return false;
  } finally {
    await fleet.stopAll();
    await server.stop();
    await rm(storeDir, { recursive: true, force: true });
  }
}

async function burst(bus: Bus, fleet: DemoFleet): Promise<boolean> {
  const timeline = new Timeline(bus, WATERMARK);
  fleet.start("orchestrator", ["run"], SETTINGS);
  await timeline.until("two healthy workers", READY_MS, () => timeline.count("healthy") === 2);
  const firstWorkers = timeline.states.map(({ workerId }) => workerId);
  console.log(`2 workers of 5 slots are up; publishing ${EXECUTIONS} tasks of ${TASK_MS} ms`);
  timeline.start((line) => console.log(line));
  await publishAll(bus);
  await timeline.until("all results", DONE_MS, () => timeline.results.length >= EXECUTIONS);
  console.log("all results are in; the load is gone");
  const rest = () => timeline.count("registering", "healthy", "degraded", "draining") === 2;
  await timeline.until("two workers again", DONE_MS, rest);
  timeline.stop();
  const checks = burstChecks(timeline, { executions: EXECUTIONS, firstWorkers });
  return report([...checks, await explained(bus, timeline)]);
}

/** As any NATS client does it, a few hundred at a time. */
async function publishAll(bus: Bus): Promise<void> {
  const nodes = [{ id: "wait", type: "delay", config: { delayMs: TASK_MS } }];
  const flowData = { name: "burst", version: 1, nodes, connections: [] };
  const publish = (index: number) => {
    const body = { flowId: "burst", executionId: `burst-${index}`, flowData };
    return publishStored(bus, bus.names.execute("normal"), JSON.stringify(body));
  };
  for (let from = 0; from < EXECUTIONS; from += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, offset) => publish(from + offset)));
}
