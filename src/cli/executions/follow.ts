import { findExecution } from "../../bus/find-execution.ts";
import { Execution } from "../../client/execution.ts";
import type { Config } from "../../config/variables.ts";
import type { ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import type { Format } from "../output.ts";
import { printUntilEnded } from "../submit/until-ended.ts";
import type { Terminal } from "../terminal.ts";
import { checkExecutionId, noSuchExecution } from "./execution-id.ts";

/**
 * `batuta executions follow ID`: its events from now on, and its result; exit code 1 when it failed
 * or was cancelled.
 *
 * @throws NotFoundError when there is none of that id.
 */
export async function follow(
  config: Config,
  id: string,
  { output }: { readonly output: Format },
  terminal: Terminal,
): Promise<ExitCode> {
  checkExecutionId(id);
  await using bus = await openPreparedBus(config);
  const execution = new Execution(bus, id);
  // Listens before it looks, so that nothing between the two is missed.
  const events = execution.events();
  const known = await findExecution(bus, id);
  if (known === undefined) throw noSuchExecution(id);
  execution.watch(Promise.resolve({ mayHaveEnded: true }));
  terminal.say(`${id} is ${known.status}`);
  return await printUntilEnded(events, execution.result(), output, terminal);
}
