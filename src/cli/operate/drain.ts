import type { Bus } from "../../bus/connect.ts";
import { type RegistryEntry, WorkerRegistry } from "../../bus/worker-registry.ts";
import type { Config } from "../../config/variables.ts";
import { InvalidInputError, NotFoundError } from "../../domain/errors.ts";
import { isWorkerId } from "../../domain/ids.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printListing } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { type Drained, drainWorker } from "./drain-worker.ts";

export interface DrainOptions {
  readonly output: Format;
  /** The grace of the workers, milliseconds. */
  readonly timeout: number;
  /** False: order it and do not follow. */
  readonly wait: boolean;
  /** Every live worker. */
  readonly all: boolean;
  readonly reason: string;
}

/**
 * `batuta drain WORKER...`: they take nothing more, finish what runs, and leave. All are asked at
 * once, and each is followed to its end before a failure of one is told.
 */
export async function drain(
  config: Config,
  workerIds: readonly string[],
  options: DrainOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  checkWish(workerIds, options);
  await using bus = await openPreparedBus(config);
  const entries = await chosen(bus, workerIds, options.all);
  if (entries.length === 0) terminal.say("no live worker: there is nothing to drain");
  const runs = entries.map((entry) =>
    drainWorker(bus, entry, options, (line) => terminal.say(line)),
  );
  const ends = await Promise.allSettled(runs);
  await printListing(terminal, options.output, {
    records: ends.flatMap((end) => (end.status === "fulfilled" ? [end.value] : [])),
    columns: ["WORKER", "STATE", "UNFINISHED", "REASONS"],
    cells: cellsOf,
  });
  const failures = ends.flatMap((end) =>
    end.status === "rejected" ? [end.reason as unknown] : [],
  );
  const [first, ...others] = failures;
  for (const other of others) terminal.say((other as Error).message);
  if (first !== undefined) throw first;
  return EXIT.ok;
}

function cellsOf({ workerId, state, unfinished, reasons }: Drained): readonly string[] {
  return [workerId, state, String(unfinished), reasons.join("; ")];
}

function checkWish(workerIds: readonly string[], { all }: DrainOptions): void {
  if (all !== workerIds.length > 0) {
    for (const workerId of workerIds) if (!isWorkerId(workerId)) throw badId(workerId);
    return;
  }
  throw new InvalidInputError(
    all
      ? "--all drains every live worker: name none beside it"
      : "which worker? Name one or more, or give --all; `batuta workers` lists them",
  );
}

function badId(given: string): InvalidInputError {
  const accepts = "1 to 64 of A-Z a-z 0-9 _ -";
  return new InvalidInputError(
    `${JSON.stringify(given)} is no id of a worker; it accepts ${accepts}`,
  );
}

/** @throws NotFoundError that names the workers that are there. */
async function chosen(
  bus: Bus,
  workerIds: readonly string[],
  all: boolean,
): Promise<readonly RegistryEntry[]> {
  const entries = await (await WorkerRegistry.open(bus)).entries();
  const live = entries.filter(({ state }) => state !== "offline");
  if (all) return live;
  const known = new Map(entries.map((entry) => [entry.registration.workerId, entry]));
  const unknown = workerIds.filter((workerId) => !known.has(workerId));
  if (unknown.length > 0) throw new NotFoundError(unknownText(unknown, live));
  return [...new Set(workerIds)].flatMap((workerId) => known.get(workerId) ?? []);
}

const NAMED = 20;

function unknownText(unknown: readonly string[], live: readonly RegistryEntry[]): string {
  const ids = live.map(({ registration }) => registration.workerId).sort();
  const more = ids.length > NAMED ? ` and ${ids.length - NAMED} more` : "";
  const there =
    ids.length === 0 ? "no worker is there" : `there are ${ids.slice(0, NAMED).join(", ")}${more}`;
  return `no worker ${unknown.join(", ")}: ${there}`;
}
