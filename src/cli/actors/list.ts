import type { Config } from "../../config/variables.ts";
import { fits, rowOf } from "../../messages/actor-view.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { ageText, type Format, printListing } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { look } from "./look.ts";

export interface ListOptions {
  readonly output: Format;
  /** Id or hash. */
  readonly machine?: string;
  readonly node?: string;
  readonly state?: string;
}

const COLUMNS = ["ADDRESS", "STATE", "FOR", "MACHINE", "STATUS", "PROCESS"] as const;

/** `batuta actors ls`: the actors of all processes. */
export async function listActors(
  config: Config,
  options: ListOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  const table = await look(bus);
  const found = table.actors().filter((record) => fits(record, options));
  await printListing(terminal, options.output, {
    records: found.map(rowOf),
    columns: COLUMNS,
    cells: ({ address, state, since, machineId, status, node }) => [
      address,
      state,
      since === undefined ? "-" : ageText(Date.parse(since), Date.now()),
      machineId,
      status,
      node,
    ],
  });
  terminal.say(`${found.length} actors in ${table.nodes().length} processes`);
  return EXIT.ok;
}
