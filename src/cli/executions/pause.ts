import { requestPause } from "../../bus/request-control.ts";
import type { Config } from "../../config/variables.ts";
import type { PauseAnswer } from "../../messages/control.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printListing } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { checkExecutionId } from "./execution-id.ts";

export interface PauseOptions {
  readonly output: Format;
  readonly reason: string;
}

/**
 * `batuta executions pause|resume ID...`: exit code 0 once all are, 1 when one had ended before.
 *
 * @throws NotFoundError when there is none of one of the ids; what could be done has been done then.
 */
export async function pauseOrResume(
  config: Config,
  action: "pause" | "resume",
  ids: readonly string[],
  { output, reason }: PauseOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  for (const id of ids) checkExecutionId(id);
  await using bus = await openPreparedBus(config);
  const asked = ids.map((id) => requestPause(bus, id, action, reason));
  const outcomes = await Promise.allSettled(asked);
  const answers = outcomes.flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  await printListing(terminal, output, {
    records: answers,
    columns: ["EXECUTION", "OUTCOME"],
    cells: (answer) => [answer.executionId, outcomeText(answer)],
  });
  const failure = outcomes.find((each) => each.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return answers.some(({ reason: why }) => why === "ended") ? EXIT.failed : EXIT.ok;
}

function outcomeText({ paused, reason, status }: PauseAnswer): string {
  if (reason === "ended") return `had ${status ?? "ended"} before`;
  if (reason === "not_paused") return "was not paused";
  return paused ? "paused" : "goes on";
}
