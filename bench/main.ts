import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { cpus, homedir, release, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Bus, connectBus } from "../src/bus/connect.ts";
import { loadConfig } from "../src/config/load.ts";
import { describeDurability } from "../src/nats-server/durability.ts";
import { ensureNatsServer } from "../src/nats-server/ensure.ts";
import { type NatsServer, startNatsServer } from "../src/nats-server/start.ts";
import { type Baseline, measureBaseline } from "./baseline.ts";
import { drain, enqueue, submitToResult } from "./batuta.ts";
import { BenchFleet } from "./fleet.ts";
import { measureIdle } from "./idle.ts";
import { type Line, printReport, targets } from "./report.ts";

const HELP = `npm run bench -- [--count N] [--workers N] [--slots N] [--latency-runs N] [--idle-workers N]

Measures bare JetStream and Batuta in one run on one server and prints ratios: machines differ and
are noisy, ratios of one run are comparable. Writes bench/results/<time>.json.

  --count         messages and executions for each rate        (default 100000)
  --workers       worker processes                             (default 2)
  --slots         slots of each worker                         (default 50)
  --latency-runs  messages and executions one at a time        (default 1000)
  --idle-workers  workers beating at an idle orchestrator      (default 20; 0 leaves it out)
`;

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "100000" },
    workers: { type: "string", default: "2" },
    slots: { type: "string", default: "50" },
    "latency-runs": { type: "string", default: "1000" },
    "idle-workers": { type: "string", default: "20" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const settings = {
    count: positive("count", values.count),
    workers: positive("workers", values.workers),
    slots: positive("slots", values.slots),
    latencyRuns: positive("latency-runs", values["latency-runs"]),
    idleWorkers: Number(values["idle-workers"]),
  };
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-bench-"));
  const server = await startServer(storeDir);
  try {
    await using bus = await connectBus({ url: server.url, name: "batuta bench" });
    const lines = await measure(bus, server, settings);
    const report = {
      at: new Date().toISOString(),
      machine: machine(),
      server: about(server),
      settings,
      lines,
    };
    printReport(report);
    await save(report);
    if (targets(lines).some(({ met }) => !met)) process.exitCode = 1;
  } finally {
    await server.stop();
    await rm(storeDir, { recursive: true, force: true });
  }
}

interface Settings {
  readonly count: number;
  readonly workers: number;
  readonly slots: number;
  readonly latencyRuns: number;
  readonly idleWorkers: number;
}

async function measure(bus: Bus, server: NatsServer, settings: Settings): Promise<Line[]> {
  const { count, workers, slots, latencyRuns, idleWorkers } = settings;
  await using fleet = new BenchFleet(bus, server.url, slots);
  const before = await progress("bare JetStream", () =>
    measureBaseline(bus, server.url, count, latencyRuns),
  );
  const pid = await fleet.orchestrator();
  const idle =
    idleWorkers > 0
      ? await progress(`idle with ${idleWorkers} workers`, () => measureIdle(bus, pid, idleWorkers))
      : undefined;
  const enqueued = await progress("enqueue", () => enqueue(bus, count));
  const drained = await progress("drain", () => drain(bus, fleet, count, workers));
  const latency = await progress("submit to result", () => submitToResult(server.url, latencyRuns));
  const after = await progress("bare JetStream again", () =>
    measureBaseline(bus, server.url, count, latencyRuns),
  );
  const base = meanOf(before, after);
  const lines: Line[] = [
    { name: "bare publish", unit: "/s", value: base.publish },
    { name: "bare consume + ack", unit: "/s", value: base.consumeAck },
    { name: "bare consume + ack, by callback", unit: "/s", value: base.callbackConsumeAck },
    { name: "bare publish -> deliver p50", unit: "ms", value: base.deliverP50Ms },
    {
      name: "enqueue",
      unit: "/s",
      value: enqueued.perSecond,
      ratio: enqueued.perSecond / base.publish,
    },
    {
      name: "drain",
      unit: "/s",
      value: drained.perSecond,
      ratio: drained.perSecond / base.consumeAck,
      atLeast: 0.25,
    },
    {
      name: "submit -> result p50",
      unit: "ms",
      value: latency.p50Ms,
      ratio: latency.p50Ms / base.deliverP50Ms,
      atMost: 4,
    },
    {
      name: "submit -> result p99",
      unit: "ms",
      value: latency.p99Ms,
      ratio: latency.p99Ms / base.deliverP50Ms,
    },
  ];
  if (idle === undefined) return lines;
  return [
    ...lines,
    {
      name: `idle orchestrator, ${idle.workers} workers: CPU`,
      unit: "% of a core",
      value: idle.cpuPercentOfCore,
      below: 2,
    },
    {
      name: `idle orchestrator, ${idle.workers} workers: memory`,
      unit: "MB",
      value: idle.rssMB,
      below: 120,
    },
  ];
}

/** The baseline is taken before and after, since the machine's pace drifts within a run. */
function meanOf(before: Baseline, after: Baseline) {
  return {
    publish: Math.round((before.publish.perSecond + after.publish.perSecond) / 2),
    consumeAck: Math.round((before.consumeAck.perSecond + after.consumeAck.perSecond) / 2),
    callbackConsumeAck: Math.round(
      (before.callbackConsumeAck.perSecond + after.callbackConsumeAck.perSecond) / 2,
    ),
    deliverP50Ms: (before.publishToDeliver.p50Ms + after.publishToDeliver.p50Ms) / 2,
  };
}

async function progress<T>(what: string, run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  process.stderr.write(`${what} …`);
  const result = await run();
  process.stderr.write(` ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
  return result;
}

async function startServer(storeDir: string): Promise<NatsServer> {
  const { nats, paths } = loadConfig();
  const where = {
    serverBin: nats.serverBin,
    path: process.env.PATH,
    cacheDir: paths.cacheDir,
    home: homedir(),
  };
  const found = await ensureNatsServer(where, {
    onProgress: (line) => process.stderr.write(`${line}\n`),
  });
  return startNatsServer({ server: found, storeDir });
}

function machine() {
  const [cpu] = cpus();
  return {
    cores: cpus().length,
    cpu: cpu?.model ?? "unknown",
    memoryGB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
  };
}

function about(server: NatsServer) {
  return { version: server.version, durability: describeDurability(server.durability) };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} ${text}: a positive whole number is expected`);
}

async function save(report: { readonly at: string }): Promise<void> {
  const folder = join("bench", "results");
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${report.at.replace(/[:.]/g, "-")}.json`);
  await writeFile(file, `${JSON.stringify(report, null, 2)}\n`);
  process.stdout.write(`written: ${file}\n`);
}
