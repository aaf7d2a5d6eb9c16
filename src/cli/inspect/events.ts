import type { Msg } from "nats";
import type { Bus } from "../../bus/connect.ts";
import type { Config } from "../../config/variables.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { isId, isWorkerId } from "../../domain/ids.ts";
import type { FlowEvent } from "../../messages/flow-event.ts";
import type { WorkerStateEvent } from "../../messages/worker.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import type { Format } from "../output.ts";
import { stopRequest } from "../stop-signals.ts";
import type { Terminal } from "../terminal.ts";
import { flowEventLine, workerEventLine } from "./event-lines.ts";
import { openBus } from "./open-bus.ts";

export interface EventsOptions {
  readonly output: Format;
  /** Only events of this execution. */
  readonly execution?: string;
  /** Only events that name this worker. */
  readonly worker?: string;
  /** Ends after so many events. */
  readonly limit?: number;
}

/** `batuta events`: what happens from now on, until Ctrl-C. */
export async function events(
  config: Config,
  options: EventsOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  checkIds(options);
  await using bus = await openBus(config);
  const stop = stopRequest({ force: () => process.exit(EXIT.forced), onHangup: true });
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const show = (line: string) => {
    if (left <= 0) return;
    terminal.print(line);
    left -= 1;
    if (left === 0) stop.stop("limit reached");
  };
  subscribe(bus, options, terminal, show);
  void tellOutages(bus, terminal);
  await bus.nc.flush();
  terminal.say(`listening on ${subjectsOf(bus, options).join(", ")}; Ctrl-C ends it`);
  await Promise.race([stop.asked, bus.nc.closed()]);
  stop.close();
  return EXIT.ok;
}

/** What happens while the server is away is missed: events are not stored. */
async function tellOutages({ nc }: Bus, terminal: Terminal): Promise<void> {
  for await (const { type } of nc.status()) {
    if (type === "disconnect") terminal.say("the server is gone; waiting for it");
    if (type === "reconnect") terminal.say("the server is back");
  }
}

function checkIds({ execution, worker }: EventsOptions): void {
  if (execution !== undefined && !isId(execution)) throw badId("--execution", execution, 128);
  if (worker !== undefined && !isWorkerId(worker)) throw badId("--worker", worker, 64);
}

function badId(flag: string, given: string, longest: number): InvalidInputError {
  const accepts = `1 to ${longest} of A-Z a-z 0-9 _ -`;
  return new InvalidInputError(`${flag}: ${JSON.stringify(given)} is no id; it accepts ${accepts}`);
}

/** Flow events name their worker in the body only, so a wish for one worker is filtered here. */
function subscribe(
  { nc, names }: Bus,
  options: EventsOptions,
  { paint }: Terminal,
  show: (line: string) => void,
): void {
  const { output, execution, worker } = options;
  const on = <T extends object>(
    subject: string,
    wanted: (event: T) => boolean,
    line: (event: T) => string,
  ) =>
    nc.subscribe(subject, {
      callback: (error, msg: Msg) => {
        const event = error === null ? parse<T>(msg) : undefined;
        if (event === undefined || !wanted(event)) return;
        const record = JSON.stringify({ subject: msg.subject, ...event });
        show(output === "table" ? lineOr(record, () => line(event)) : record);
      },
    });
  on<FlowEvent>(
    names.event(execution ?? "*", "*"),
    (event) => worker === undefined || event.workerId === worker,
    (event) => flowEventLine(event, paint),
  );
  if (execution !== undefined) return;
  on<WorkerStateEvent>(
    names.workerState(worker ?? "*"),
    () => true,
    (event) => workerEventLine(event, paint),
  );
}

/** Anybody may publish on these subjects: an event of another shape is shown as it came. */
function lineOr(record: string, line: () => string): string {
  try {
    return line();
  } catch {
    return record;
  }
}

/** What is no JSON object is left out. */
function parse<T extends object>(msg: Msg): T | undefined {
  try {
    const value: unknown = msg.json();
    return typeof value === "object" && value !== null ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

function subjectsOf({ names }: Bus, { execution, worker }: EventsOptions): string[] {
  const flows = names.event(execution ?? "*", "*");
  return execution === undefined ? [flows, names.workerState(worker ?? "*")] : [flows];
}
