import type { Config } from "../../config/variables.ts";
import { actorView, noSuchActor } from "../../messages/actor-view.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { look } from "./look.ts";

export interface GetOptions {
  readonly output: Format;
  readonly node?: string;
}

/**
 * `batuta actors get ADDRESS`: all that is told of one actor.
 *
 * @throws NotFoundError that names the nearest.
 */
export async function getActor(
  config: Config,
  address: string,
  { output, node }: GetOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  await using bus = await openPreparedBus(config);
  const table = await look(bus);
  const view = actorView(table, address, node);
  if (view === undefined) throw noSuchActor(table, address, node);
  printRecord(terminal, output, view, JSON.stringify(view, null, 2).split("\n"));
  return EXIT.ok;
}
