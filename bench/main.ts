import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startOwnServer } from "../scripts/own-server.ts";
import { type Bus, connectBus } from "../src/bus/connect.ts";
import { describeDurability } from "../src/nats-server/durability.ts";
import type { NatsServer } from "../src/nats-server/start.ts";
import { measureBaseline } from "./baseline.ts";
import { drain, enqueue, fillWithWaiting, submitToResult } from "./batuta.ts";
import { measureDeciding } from "./deciding.ts";
import { BenchFleet } from "./fleet.ts";
import { type IdleFigures, measureIdle } from "./idle.ts";
import {
  decidingLines,
  idleLines,
  type Round,
  roundLines,
  waitingLines,
  watchingLines,
} from "./lines.ts";
import { machine } from "./machine.ts";
import type { Rate } from "./measure.ts";
import { type Line, printReport, targets } from "./report.ts";
import { measureWatching } from "./watching.ts";

const HELP = `npm run bench -- [--rounds N] [--count N] [--workers N] [--slots N] [--latency-runs N] [--idle-workers N] [--waiting N]

Measures bare JetStream and Batuta by turns on one server and prints ratios, the median of all
rounds: machines differ and are noisy, ratios of one run are comparable. Writes
bench/results/<time>.json.

  --rounds        how often all but the idle figures are measured   (default 3)
  --count         messages and executions for each rate        (default 60000)
  --workers       worker processes                             (default 2)
  --slots         slots of each worker                         (default 50)
  --latency-runs  messages and executions one at a time        (default 1000)
  --idle-workers  fleets beating at an idle orchestrator       (default 20,1000; 0 leaves it out)
  --waiting       executions that wait for a retry meanwhile   (default 10000; 0 leaves it out)
`;

/** A fleet as large as an orchestrator is promised to carry. */
const DECIDED_ABOUT = 1_000;

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    count: { type: "string", default: "60000" },
    workers: { type: "string", default: "2" },
    slots: { type: "string", default: "50" },
    "latency-runs": { type: "string", default: "1000" },
    "idle-workers": { type: "string", default: "20,1000" },
    waiting: { type: "string", default: "10000" },
    help: { type: "boolean", default: false },
  },
});

if (values.help) process.stdout.write(HELP);
else await main();

async function main(): Promise<void> {
  const settings = {
    rounds: positive("rounds", values.rounds),
    count: positive("count", values.count),
    workers: positive("workers", values.workers),
    slots: positive("slots", values.slots),
    latencyRuns: positive("latency-runs", values["latency-runs"]),
    idleWorkers: values["idle-workers"].split(",").map(Number).filter(Boolean),
    waiting: Number(values.waiting),
  };
  const storeDir = await mkdtemp(join(tmpdir(), "batuta-bench-"));
  const tell = (line: string) => void process.stderr.write(`${line}\n`);
  const server = await startOwnServer({ storeDir }, tell);
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
  readonly rounds: number;
  readonly count: number;
  readonly workers: number;
  readonly slots: number;
  readonly latencyRuns: number;
  readonly idleWorkers: readonly number[];
  readonly waiting: number;
}

/** Each round is measured against its own baseline: the machine's pace drifts within a run. */
async function measure(bus: Bus, server: NatsServer, settings: Settings): Promise<Line[]> {
  const { rounds, workers, slots, idleWorkers, waiting } = settings;
  await using fleet = new BenchFleet(bus, server.url, slots);
  const pid = await fleet.orchestrator();
  const idle: IdleFigures[] = [];
  for (const count of idleWorkers) {
    const name = `idle with ${count} workers`;
    idle.push(await progress(name, () => measureIdle(bus, pid, count)));
  }
  const measured: Round[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    process.stderr.write(`round ${round} of ${rounds}\n`);
    measured.push(await measureRound(bus, server, fleet, settings, round === 1 ? workers : 0));
  }
  const beside = waiting === 0 ? [] : await measureBesideWaiting(bus, fleet, settings);
  return [
    ...roundLines(measured),
    ...waitingLines(measured, waiting, beside),
    ...idle.flatMap(idleLines),
    ...decidingLines(measureDeciding(DECIDED_ABOUT)),
    ...watchingLines(await progress("watching", measureWatching)),
  ];
}

/** Fresh executions while many others wait for their next attempt. */
async function measureBesideWaiting(
  bus: Bus,
  fleet: BenchFleet,
  { rounds, count, waiting }: Settings,
): Promise<Rate[]> {
  await progress(`${waiting} begin to wait for a retry`, () => fillWithWaiting(bus, waiting));
  const drained: Rate[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    await bus.jsm.streams.purge(bus.names.streams.results);
    await progress("enqueue", () => enqueue(bus, count));
    drained.push(await progress("drain", () => drain(bus, fleet, count, 0)));
  }
  return drained;
}

async function measureRound(
  bus: Bus,
  { url }: NatsServer,
  fleet: BenchFleet,
  { count, latencyRuns }: Settings,
  newWorkers: number,
): Promise<Round> {
  const base = await progress("  bare JetStream", () =>
    measureBaseline(bus, url, count, latencyRuns),
  );
  await bus.jsm.streams.purge(bus.names.streams.results);
  const enqueued = await progress("  enqueue", () => enqueue(bus, count));
  const drained = await progress("  drain", () => drain(bus, fleet, count, newWorkers));
  const latency = await progress("  submit to result", () => submitToResult(url, latencyRuns));
  return { base, enqueued, drained, latency };
}

async function progress<T>(what: string, run: () => Promise<T>): Promise<T> {
  const startedAt = performance.now();
  process.stderr.write(`${what} …`);
  const result = await run();
  process.stderr.write(` ${((performance.now() - startedAt) / 1_000).toFixed(1)} s\n`);
  return result;
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
