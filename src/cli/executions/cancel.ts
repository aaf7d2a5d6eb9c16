import { requestCancel } from "../../bus/request-control.ts";
import type { Config } from "../../config/variables.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { checkExecutionId } from "./execution-id.ts";

export interface CancelOptions {
  readonly output: Format;
  readonly reason: string;
}

/**
 * `batuta executions cancel ID`: exit code 0 once it is cancelled, 1 when it had ended before.
 *
 * @throws NotFoundError when there is none of that id.
 */
export async function cancel(
  config: Config,
  id: string,
  { output, reason }: CancelOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  checkExecutionId(id);
  await using bus = await openPreparedBus(config);
  const answer = await requestCancel(bus, id, reason);
  const { cancelled, status = "ended" } = answer;
  const text = cancelled ? `${id} is cancelled` : `${id} had ${status} before`;
  printRecord(terminal, output, answer, [text]);
  return cancelled ? EXIT.ok : EXIT.failed;
}
