import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import { DemoFleet } from "../demo/fleet.ts";
import { report } from "../demo/report.ts";
import type { Check } from "../demo/summary.ts";
import { freePorts } from "../free-ports.ts";
import { OwnRabbit } from "../own-rabbit.ts";
import { startOwnServer } from "../own-server.ts";
import { published, runProducer, untilReady, WORKER } from "./clients.ts";

/** `npm run demo:amqp`: a producer and a worker that know only AMQP, beside a worker on NATS. */
const FLOWS = 40;
const READY_MS = 30_000;
const [OLD, NEW] = ["amqp-worker", "nats-worker"] as const;

process.exitCode = (await demo()) ? 0 : 1;

async function demo(): Promise<boolean> {
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-demo-amqp-"));
  const [server, rabbit] = await Promise.all([
    startOwnServer({ storeDir }, (line) => console.error(line)),
    OwnRabbit.start(),
  ]);
  const fleet = new DemoFleet(server.url);
  process.once("exit", () => fleet.killAll());
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta demo" });
    return await migrate(bus, fleet, rabbit.url);
  } catch (error) {
    console.error(`demo: ${(error as Error).message}`);
    for (const line of fleet.complaints) console.error(`  ${line}`);
    return false;
  } finally {
    await fleet.stopAll();
    await Promise.all([server.stop(), rabbit.stop()]);
    await rm(storeDir, { recursive: true, force: true });
  }
}

async function migrate(bus: Bus, fleet: DemoFleet, amqpUrl: string): Promise<boolean> {
  const [port] = await freePorts(1);
  const amqp = { BATUTA_AMQP_URL: amqpUrl, BATUTA_AMQP_HTTP_PORT: String(port) };
  const healthy = healthyWorkers(bus);
  fleet.start("orchestrator", ["run"]);
  fleet.start("bridge", ["bridge"], amqp);
  await untilReady(`http://127.0.0.1:${port}/readyz`, READY_MS);
  fleet.start(NEW, ["worker"], { BATUTA_WORKER_ID: NEW, BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "4" });
  fleet.start(OLD, [OLD], amqp, WORKER);
  await healthy.until([OLD, NEW], READY_MS);
  console.log(`${OLD} (AMQP) and ${NEW} (NATS) are healthy; publishing ${FLOWS} flows over AMQP`);
  const both = await runProducer(FLOWS, amqpUrl, fleet);
  tell(both);
  console.log(`${FLOWS} more, and ${OLD} is killed (-9) while it runs some of them`);
  const after = await runProducer(FLOWS, amqpUrl, fleet, () => fleet.kill(OLD, "SIGKILL"));
  tell(after);
  return report([
    published("each flow that came over AMQP has one result, which came over AMQP", both, FLOWS),
    {
      what: "workers on AMQP and on NATS share the work",
      faults: [OLD, NEW].filter((id) => !both.some(({ by }) => by === id)),
    },
    published("what the killed worker held ran again: all of them ended", after, FLOWS),
    {
      what: "some of it as a second attempt, on the worker that is left",
      faults: after.some(({ by, attempt }) => by === NEW && attempt > 1) ? [] : ["none was"],
    },
  ] satisfies Check[]);
}

function tell(ended: readonly { readonly by: string }[]): void {
  const share = (id: string) => ended.filter(({ by }) => by === id).length;
  console.log(`${ended.length} results: ${share(OLD)} by ${OLD}, ${share(NEW)} by ${NEW}`);
}

/** Heard from before anything is started. */
function healthyWorkers({ nc, names }: Bus) {
  const healthy = new Set<string>();
  let changed = () => {};
  nc.subscribe(names.workerState("*"), {
    callback: (_error, msg) => {
      const { workerId, to } = msg.json<WorkerStateEvent>();
      if (to === "healthy") healthy.add(workerId);
      changed();
    },
  });
  const until = (ids: readonly string[], ms: number) =>
    new Promise<void>((resolve, reject) => {
      const late = () => reject(new Error(`not healthy in ${ms / 1_000} s: ${missing()}`));
      const missing = () => ids.filter((id) => !healthy.has(id)).join(", ");
      const timer = setTimeout(late, ms);
      changed = () => {
        if (missing() !== "") return;
        clearTimeout(timer);
        resolve();
      };
      changed();
    });
  return { until };
}
