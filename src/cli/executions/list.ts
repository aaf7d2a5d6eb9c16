import type { Bus } from "../../bus/connect.ts";
import { listExecutions } from "../../bus/execution-list.ts";
import { requestStatus } from "../../bus/request-control.ts";
import type { Config } from "../../config/variables.ts";
import type { ExecutionView, ListedStatus } from "../../messages/execution-view.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { readWorkers } from "../inspect/worker-views.ts";
import { ageText, type Format, printListing, spanText } from "../output.ts";
import type { Paint, Style, Terminal } from "../terminal.ts";

export interface ListOptions {
  readonly output: Format;
  readonly status?: ListedStatus;
  readonly flowId?: string;
  readonly limit: number;
  readonly cursor?: number;
}

/** `batuta executions ls`: what runs, what waits for a retry, what has ended, newest first. */
export async function list(
  config: Config,
  options: ListOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  const { executions, cursor } = await listExecutions(bus, options, () =>
    running(bus, options.limit),
  );
  await printListing(terminal, options.output, {
    records: executions,
    columns: [
      "EXECUTION",
      "FLOW",
      "STATUS",
      "LANE",
      "ATTEMPTS",
      "WORKER",
      "ENDED",
      "TOOK",
      "ERROR",
    ],
    cells: (view) => executionCells(view, Date.now(), terminal.paint),
  });
  if (cursor !== null) terminal.say(`there are more: --cursor ${cursor}`);
  return EXIT.ok;
}

/** What the workers have told with their last beats, as far as it is still running. */
async function running(bus: Bus, limit: number): Promise<readonly ExecutionView[]> {
  const beats = (await readWorkers(bus)).flatMap(({ beat }) => beat?.inFlight ?? []);
  const attempts = new Map(beats.map(({ executionId, attempt }) => [executionId, attempt]));
  const views = await Promise.all(
    [...attempts].slice(0, limit).map(async ([executionId, attempt]) => {
      const held = await requestStatus(bus, executionId);
      if (held === undefined) return [];
      const { flowId, lane, workerId, status } = held;
      const open = { finishedAt: null, durationMs: null };
      return [{ executionId, flowId, lane, status, attempts: attempt, workerId, ...open }];
    }),
  );
  return views.flat();
}

const STATUS_STYLES: Readonly<Record<ExecutionView["status"], Style>> = {
  queued: "cyan",
  running: "cyan",
  retrying: "yellow",
  paused: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "yellow",
};

/** What the table shows of one execution; "-" for what is not known or not so yet. */
function executionCells(view: ExecutionView, nowMs: number, paint: Paint): string[] {
  const { executionId, flowId, status, lane, attempts, workerId, finishedAt, durationMs, error } =
    view;
  return [
    executionId,
    flowId ?? "-",
    paint(STATUS_STYLES[status], status),
    lane ?? "-",
    String(attempts),
    workerId ?? "-",
    finishedAt === null ? "-" : `${ageText(Date.parse(finishedAt), nowMs)} ago`,
    durationMs === null ? "-" : spanText(durationMs),
    error === undefined ? "" : error.code,
  ];
}
