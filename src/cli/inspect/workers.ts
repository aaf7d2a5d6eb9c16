import type { Config } from "../../config/variables.ts";
import { quarantineText } from "../../domain/conduct.ts";
import { NotFoundError } from "../../domain/errors.ts";
import type { WorkerStateName } from "../../messages/worker.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { ageText, type Format, printListing, printRecord } from "../output.ts";
import type { Paint, Style, Terminal } from "../terminal.ts";
import { openPreparedBus } from "./open-bus.ts";
import { readWorkers, type WorkerView } from "./worker-views.ts";

export interface WorkersOptions {
  readonly output: Format;
  /** Also those that are offline. */
  readonly all: boolean;
}

/** `batuta workers [id]`: the fleet, or all about one worker. */
export async function workers(
  config: Config,
  workerId: string | undefined,
  options: WorkersOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  const known = await readWorkers(bus);
  const shown = known.filter(({ state }) => options.all || state !== "offline");
  if (workerId !== undefined) return printOne(workerId, shown, options, terminal);
  await printListing(terminal, options.output, {
    records: shown,
    columns: COLUMNS,
    cells: (view) => workerCells(view, Date.now(), terminal.paint),
  });
  const hidden = known.length - shown.length;
  if (hidden > 0) terminal.say(`${hidden} offline not shown (--all shows them)`);
  if (known.length === 0) terminal.say("no worker has registered: start one with `batuta worker`");
  return EXIT.ok;
}

function printOne(
  workerId: string,
  shown: readonly WorkerView[],
  { output }: WorkersOptions,
  terminal: Terminal,
): ExitCode {
  const view = shown.find((each) => each.workerId === workerId);
  if (view === undefined) {
    throw new NotFoundError(`no live worker ${workerId}: \`batuta workers --all\` lists all`);
  }
  printRecord(terminal, output, view, JSON.stringify(view, null, 2).split("\n"));
  return EXIT.ok;
}

const COLUMNS = [
  "WORKER",
  "STATE",
  "FOR",
  "SLOTS",
  "CPU",
  "MEMORY",
  "BEAT",
  "POOL",
  "HOST",
  "REASONS",
] as const;

const STATE_STYLES: Readonly<Record<WorkerStateName, Style>> = {
  registering: "cyan",
  healthy: "green",
  degraded: "yellow",
  critical: "red",
  draining: "yellow",
  offline: "dim",
};

/** What the table shows of one worker; "-" for what is not known. */
export function workerCells(view: WorkerView, nowMs: number, paint: Paint): readonly string[] {
  const { workerId, state, since, slots, beat, pool, hostname } = view;
  const load = beat?.currentLoad;
  return [
    workerId,
    paint(STATE_STYLES[state], state),
    ageText(Date.parse(since), nowMs),
    `${load?.activeFlows ?? "-"}/${slots}`,
    percent(load?.cpuUsagePercent),
    percent(load?.memoryUsagePercent),
    beat === null ? "-" : ageText(Date.parse(beat.at), nowMs),
    pool,
    hostname,
    reasonsOf(view).join("; "),
  ];
}

/** One that was put in quarantine while it was offline, or draining, is told as such too. */
function reasonsOf({ reasons, quarantine }: WorkerView): readonly string[] {
  if (quarantine === null) return reasons;
  const text = quarantineText(quarantine);
  return reasons.includes(text) ? reasons : [...reasons, text];
}

function percent(value: number | undefined): string {
  return value === undefined ? "-" : `${Math.round(value)}%`;
}
