import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { publishStored } from "../../src/bus/publish.ts";
import { describeDurability } from "../../src/nats-server/durability.ts";
import type { NatsServer } from "../../src/nats-server/start.ts";
import { startOwnServer } from "../own-server.ts";
import { Board } from "./board.ts";
import { DemoFleet } from "./fleet.ts";
import { type DemoFlow, demoFlows, NOT_JSON } from "./flows.ts";
import { report } from "./report.ts";
import { checks, summaryTable } from "./summary.ts";
import { Watch } from "./watch.ts";

/** `npm run demo`: real flows through real processes, watched, summed up and checked. */
const WORKERS = ["worker-1", "worker-2", "worker-3"];
const DOOMED = "worker-3";
const READY_MS = 30_000;
const DONE_MS = 60_000;

process.exitCode = (await demo()) ? 0 : 1;

async function demo(): Promise<boolean> {
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-demo-"));
  const server = await startServer(storeDir);
  const web = await startWeb();
  const fleet = new DemoFleet(server.url);
  process.once("exit", () => fleet.killAll());
  try {
    return await show(server, fleet, demoFlows(web.url));
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`);
    for (const line of fleet.complaints) console.error(`  ${line}`);
    return false;
  } finally {
    await fleet.stopAll();
    web.close();
    await server.stop();
    await rm(storeDir, { recursive: true, force: true });
  }
}

async function startServer(storeDir: string): Promise<NatsServer> {
  const server = await startOwnServer({ storeDir }, (line) => console.error(line));
  console.log(`nats-server ${server.version} at ${server.url}, data in ${storeDir}`);
  console.log(`durability ${describeDurability(server.durability)}`);
  return server;
}

/** Something for http-request to fetch: the demo needs no internet. */
async function startWeb(): Promise<{ url: string; close: () => void }> {
  const web = createServer((_, response) =>
    response.setHeader("content-type", "application/json").end('{"ok":true}'),
  );
  await new Promise<void>((resolve) => web.listen(0, "127.0.0.1", resolve));
  const { port } = web.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => web.close() };
}

async function show(
  server: NatsServer,
  fleet: DemoFleet,
  flows: readonly DemoFlow[],
): Promise<boolean> {
  await using bus = await connectBus({ url: server.url, name: "batuta demo" });
  const watch = new Watch(bus.nc, bus.names);
  fleet.start("orchestrator", ["run"]);
  for (const id of WORKERS) fleet.start(id, ["worker"], { BATUTA_WORKER_ID: id });
  const isHealthy = (id: string) =>
    watch.states.some(({ workerId, to }) => workerId === id && to === "healthy");
  await watch.until("three healthy workers", READY_MS, () => WORKERS.every(isHealthy));
  console.log(
    `an orchestrator and ${WORKERS.length} workers are up; publishing ${flows.length} flows on three lanes`,
  );

  const board = new Board(watch, flows, process.stdout);
  board.start();
  await Promise.all(flows.map((flow) => publish(bus, flow)));
  const holdsLong = () => watch.runningOn(DOOMED).some((id) => /^(long|parallel)/.test(id));
  await watch.until(`${DOOMED} holding work that lasts`, DONE_MS, holdsLong);
  const held = watch.runningOn(DOOMED);
  fleet.kill(DOOMED, "SIGKILL");
  const killed = { workerId: DOOMED, at: Date.now(), held };
  board.say(`  kill -9 of ${DOOMED}, which held ${held.join(", ")}`);
  await watch.until("all results", DONE_MS, () => watch.ended === flows.length);
  await watch.until(
    "all dead letters",
    DONE_MS,
    () => watch.deadLetters.length >= failing(flows).length,
  );
  await fleet.stop("worker-1");
  await watch.until("worker-1 offline", DONE_MS, () =>
    watch.states.some(({ workerId, to }) => workerId === "worker-1" && to === "offline"),
  );
  board.stop();
  console.log(summaryTable(flows, watch));
  return report(checks(flows, watch, killed));
}

/** As any NATS client does it. */
async function publish(bus: Bus, flow: DemoFlow): Promise<void> {
  const text = typeof flow.body === "string" ? flow.body : JSON.stringify(flow.body);
  const { stream, seq } = await publishStored(bus, bus.names.execute(flow.lane), Buffer.from(text));
  if (flow.executionId === NOT_JSON) flow.executionId = `${stream}-${seq}`;
}

function failing(flows: readonly DemoFlow[]): readonly DemoFlow[] {
  return flows.filter(({ expect }) => expect.status === "failed");
}
