import { mkdtemp, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { DemoFleet } from "../demo/fleet.ts";
import { report } from "../demo/report.ts";
import { startOwnServer } from "../own-server.ts";
import { faultsSeen, receivedByStately, servedOverHttp } from "./checks.ts";
import { Load } from "./load.ts";
import { OverloadedWorker } from "./overloaded.ts";
import { Sight } from "./sight.ts";

/** `npm run demo:inspect`: a fleet in several processes, with faults, as the inspector sees it. */
const PROCESSES = 4;
const WORKERS_EACH = 5;
const READY_MS = 60_000;
const SEEN_MS = 60_000;
const WORKERS = fileURLToPath(new URL("./workers.mjs", import.meta.url));
const ENV = { BATUTA_WORKER_HEARTBEAT_INTERVAL: "500ms" };
const stays = process.argv.includes("--stay");

async function demo(): Promise<boolean> {
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-demo-inspect-"));
  const server = await startOwnServer({ storeDir }, (line) => console.error(line));
  const fleet = new DemoFleet(server.url);
  process.once("exit", () => fleet.killAll());
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta demo" });
    return await show(bus, fleet, await freePort());
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

async function show(bus: Bus, fleet: DemoFleet, port: number): Promise<boolean> {
  const url = `http://127.0.0.1:${port}`;
  const stately = `ws://127.0.0.1:${port}/inspect/stately`;
  fleet.start("orchestrator-1", ["run"], { ...ENV, BATUTA_HTTP_PORT: String(port) });
  await answers(url);
  fleet.start("orchestrator-2", ["run"], { ...ENV, BATUTA_HTTP_ENABLED: "false" });
  for (let i = 1; i <= PROCESSES; i += 1) fleet.start(`p${i}`, idsOf(i), ENV, WORKERS);
  console.log(`page     ${url}/inspect`);
  console.log(`Stately  ${stately}`);
  const sight = new Sight((line) => console.log(line));
  await sight.start(bus);
  const overloaded = new OverloadedWorker(bus, "overloaded");
  const load = new Load(bus);
  const all = PROCESSES * WORKERS_EACH + 1;
  try {
    await overloaded.start();
    await sight.until(`${all} healthy workers`, READY_MS, () => sight.count("healthy") === all);
    console.log(`${all} workers in ${PROCESSES + 1} processes are healthy; now faults`);
    load.start();
    await injectFaults(sight, fleet, overloaded);
    const checks = [
      await receivedByStately(stately, sight),
      ...(await servedOverHttp(url, sight)),
      faultsSeen(sight, WANTED),
      await load.check(),
    ];
    const passed = report(checks);
    if (stays) await untilCtrlC();
    return passed;
  } finally {
    load.stop();
    overloaded.stop();
    sight.stop();
  }
}

const WANTED = [
  ["worker/p2-1 offline", "killed"],
  ["worker/p3-1 offline", "frozen"],
  ["worker/p3-1 healthy again", "frozen and back"],
  ["worker/p4-1 draining", "drained"],
  ["worker/p4-1 offline", "drained"],
  ["worker/overloaded critical", "overloaded"],
] as const;

async function injectFaults(
  sight: Sight,
  fleet: DemoFleet,
  overloaded: OverloadedWorker,
): Promise<void> {
  const seen = (what: string, ...changes: readonly string[]) =>
    sight.until(what, SEEN_MS, () => changes.every((change) => sight.saw(change)));
  const tell = (what: string) => console.log(`> ${what}`);
  tell("kill -9 of a process with 5 workers");
  fleet.kill("p2", "SIGKILL");
  await seen("5 dead workers", ...idsOf(2).map((id) => `worker/${id} offline`));
  tell("a worker says that its memory is at 97 %");
  overloaded.overload();
  await seen("a critical worker", "worker/overloaded critical");
  tell("SIGSTOP of another process with 5 workers");
  fleet.kill("p3", "SIGSTOP");
  await seen("5 silent workers", ...idsOf(3).map((id) => `worker/${id} offline`));
  tell("SIGCONT: they register again, as other incarnations");
  fleet.kill("p3", "SIGCONT");
  await seen("5 workers back", ...idsOf(3).map((id) => `worker/${id} healthy again`));
  tell("batuta drain p4-1");
  fleet.start("drain", ["drain", "p4-1"]);
  await seen("a drained worker", "worker/p4-1 draining", "worker/p4-1 offline");
}

function idsOf(process: number): string[] {
  return Array.from({ length: WORKERS_EACH }, (_, i) => `p${process}-${i + 1}`);
}

async function answers(url: string): Promise<void> {
  const giveUpAt = Date.now() + READY_MS;
  for (;;) {
    const status = await fetch(`${url}/readyz`).then(
      (answer) => answer.status,
      () => 0,
    );
    if (status === 200) return;
    if (Date.now() > giveUpAt) throw new Error(`no orchestrator answers at ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function untilCtrlC(): Promise<void> {
  console.log("Ctrl-C ends it");
  return new Promise((resolve) => process.once("SIGINT", () => resolve()));
}

process.exitCode = (await demo()) ? 0 : 1;
