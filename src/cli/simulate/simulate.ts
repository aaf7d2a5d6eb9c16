import { loadConfig } from "../../config/load.ts";
import { decideScale } from "../../domain/scaling.ts";
import { type Arrival, arrivalsOf, type LoadName } from "../../domain/simulation/load.ts";
import type { SimulationReport } from "../../domain/simulation/report.ts";
import { decideAsSeed } from "../../domain/simulation/seed-rule.ts";
import { simulate } from "../../domain/simulation/simulate.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Format, printListing, spanText } from "../output.ts";
import { readInput } from "../submit/read-input.ts";
import type { Terminal } from "../terminal.ts";
import { type PolicyWishes, type WishedPolicy, wishedPolicy } from "./policy.ts";
import { readRecording } from "./recording.ts";
import { replay } from "./replay.ts";

export interface SimulateOptions extends PolicyWishes {
  readonly output: Format;
  readonly from?: string;
  readonly load: LoadName;
  readonly rate: number;
  readonly service: number;
  readonly hours: number;
  readonly seed: number;
  readonly boot: number;
  readonly slots?: number;
  readonly compare: boolean;
}

const HOUR_MS = 3_600_000;

/** `batuta simulate`: waits and worker-hours of a load under settings, or the replay of recorded decisions. */
export async function simulateCommandLine(
  options: SimulateOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const wished = wishedPolicy(options);
  const recording =
    options.from === undefined
      ? undefined
      : readRecording(await readInput(options.from, process.stdin));
  if (recording?.type === "decisions")
    return replay(recording.decisions, wished, options, terminal);
  const arrivals = () => recording?.arrivals ?? madeUp(options);
  const runs = options.compare ? [wished, { ...wished, name: "seed" as const }] : [wished];
  const records = runs.map((each) => {
    terminal.say(`simulating with the policy ${each.name} …`);
    return { policy: each.name, ...runOne(arrivals(), each, options) };
  });
  await printListing(terminal, options.output, {
    records,
    columns: ["POLICY", "LANE", "EXECUTIONS", "WAIT P50", "P90", "P99", "MAX", "WORKERS"],
    cells: cellsOf,
  });
  return EXIT.ok;
}

function madeUp({ load, rate, service, hours, seed }: SimulateOptions): Iterable<Arrival> {
  const durationMs = hours * HOUR_MS;
  return arrivalsOf({ load, ratePerS: rate, serviceMs: service, durationMs, seed });
}

function runOne(
  arrivals: Iterable<Arrival>,
  { name, policy }: WishedPolicy,
  { boot, slots }: SimulateOptions,
): SimulationReport {
  const { balancer, lanes, scaling, worker } = loadConfig();
  const isSeed = name === "seed";
  return simulate(arrivals, {
    policy,
    decide: isSeed ? decideAsSeed : decideScale,
    answersAtOnce: !isSeed,
    evaluationIntervalMs: scaling.evaluationIntervalMs,
    bootMs: boot,
    slots: slots ?? worker.maxConcurrentFlows,
    capacityLimit: balancer.capacityLimit,
    weights: lanes.weights,
  });
}

type Record = SimulationReport & { readonly policy: string };

/** One line for each lane would be four for each policy: the cells hold them one below the other. */
function cellsOf({
  policy,
  waits,
  workerHours,
  peakWorkers,
  ups,
  downs,
}: Record): readonly string[] {
  const rows = (["high", "normal", "low", "all"] as const).map((lane) => ({
    lane,
    ...waits[lane],
  }));
  const column = (of: (row: (typeof rows)[number]) => string) => rows.map(of).join("\n");
  return [
    policy,
    column(({ lane }) => lane),
    column(({ executions }) => String(executions)),
    column(({ p50Ms }) => spanText(p50Ms)),
    column(({ p90Ms }) => spanText(p90Ms)),
    column(({ p99Ms }) => spanText(p99Ms)),
    column(({ maxMs }) => spanText(maxMs)),
    `${workerHours} worker-hours\n${peakWorkers} at the most\n${ups} times more\n${downs} times fewer`,
  ];
}
