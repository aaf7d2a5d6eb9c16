import { BusInspectionSource } from "../../bus/inspection-source.ts";
import type { Config } from "../../config/variables.ts";
import type { ActorRecord, InspectionListener } from "../../messages/inspection.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import type { Format } from "../output.ts";
import { stopRequest } from "../stop-signals.ts";
import type { Terminal } from "../terminal.ts";

export interface WatchOptions {
  readonly output: Format;
  /** Every event, not only changes of state. */
  readonly events: boolean;
  readonly node?: string;
  /** Ends after so many lines. */
  readonly limit?: number;
}

/** `batuta actors watch [ADDRESS]`: what actors do from now on, until Ctrl-C. */
export async function watchActors(
  config: Config,
  prefix: string,
  options: WatchOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  const stop = stopRequest({ force: () => process.exit(EXIT.forced), onHangup: true });
  let left = options.limit ?? Number.POSITIVE_INFINITY;
  const show = (record: ActorRecord) => {
    if (left <= 0 || !isWanted(record, prefix, options)) return;
    terminal.print(options.output === "table" ? lineOf(record) : JSON.stringify(record));
    left -= 1;
    if (left === 0) stop.stop("limit reached");
  };
  const source = new BusInspectionSource(bus);
  const listener: InspectionListener = {
    record: (record, isLive) => {
      if (isLive) show(record);
    },
    machine: () => {},
    node: () => {},
    nodeGone: (node) => terminal.say(`${node} does not answer any more`),
    gone: () => {},
  };
  // A line has no room for what an actor knows.
  const watch = await source.watch(listener, options.output === "table" ? [] : "all");
  terminal.say(`watching ${prefix === "" ? "all actors" : prefix}; Ctrl-C ends it`);
  await Promise.race([stop.asked, bus.nc.closed()]);
  watch.stop();
  stop.close();
  return EXIT.ok;
}

function isWanted(record: ActorRecord, prefix: string, options: WatchOptions): boolean {
  const { address, node, from, state, kind } = record;
  if (options.node !== undefined && options.node !== node) return false;
  const isBelow = prefix === "" || address === prefix || address.startsWith(asFolder(prefix));
  if (!isBelow) return false;
  return options.events || kind !== "transition" || from !== state;
}

/** `worker` watches `worker/w-1` and not `workers`. */
function asFolder(prefix: string): string {
  return prefix.endsWith("/") ? prefix : `${prefix}/`;
}

function lineOf({ at, address, node, kind, event, from, state, status }: ActorRecord): string {
  const change = from === undefined || from === state ? state : `${from} -> ${state}`;
  const cause = kind === "end" ? `ended (${status})` : (event?.type ?? "is there");
  return `${at.slice(11, 23)}  ${address}  ${change}  ${cause}  (${node})`;
}
