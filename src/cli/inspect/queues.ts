import { type LaneStats, laneStats } from "../../bus/lane-stats.ts";
import type { Config } from "../../config/variables.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Format, printListing, spanText } from "../output.ts";
import type { Paint, Terminal } from "../terminal.ts";
import { openPreparedBus } from "./open-bus.ts";

/** `batuta queues`: how full the lanes are. */
export async function queues(
  config: Config,
  { output }: { readonly output: Format },
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  await printListing(terminal, output, {
    records: await laneStats(bus, Date.now()),
    columns: ["LANE", "WAITING", "IN FLIGHT", "OLDEST", "DEAD LETTERS", "STREAM"],
    cells: (lane) => laneCells(lane, terminal.paint),
  });
  return EXIT.ok;
}

/** What the table shows of one lane. */
export function laneCells(stats: LaneStats, paint: Paint): readonly string[] {
  const { lane, pending, inFlight, oldestAgeMs, deadLetters, stream } = stats;
  return [
    lane,
    String(pending),
    String(inFlight),
    oldestAgeMs === null ? "-" : spanText(oldestAgeMs),
    deadLetters > 0 ? paint("red", String(deadLetters)) : "0",
    stream,
  ];
}
