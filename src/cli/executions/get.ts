import { findExecution } from "../../bus/find-execution.ts";
import type { Config } from "../../config/variables.ts";
import type { ExecutionView } from "../../messages/execution-view.ts";
import type { ExecutionResult } from "../../messages/result.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printRecord } from "../output.ts";
import { resultLines } from "../submit/result-lines.ts";
import type { Paint, Terminal } from "../terminal.ts";
import { checkExecutionId, noSuchExecution } from "./execution-id.ts";

/**
 * `batuta executions get ID`: its result, or what is known before its end.
 *
 * @throws NotFoundError when there is none of that id.
 */
export async function get(
  config: Config,
  id: string,
  { output }: { readonly output: Format },
  terminal: Terminal,
): Promise<ExitCode> {
  checkExecutionId(id);
  await using bus = await openPreparedBus(config);
  const known = await findExecution(bus, id);
  if (known === undefined) throw noSuchExecution(id);
  printRecord(terminal, output, known, executionLines(known, terminal.paint));
  return EXIT.ok;
}

function executionLines(known: ExecutionResult | ExecutionView, paint: Paint): readonly string[] {
  if ("queuedAt" in known) return resultLines(known, paint);
  const { status, flowId, lane, workerId, attempts, error } = known;
  const facts = [
    paint("cyan", status),
    ...(flowId === null ? [] : [`flow ${flowId}`]),
    ...(lane === null ? [] : [`lane ${lane}`]),
    ...(workerId === null ? [] : [`on ${workerId}`]),
    ...(attempts > 0 ? [`attempts ${attempts}`] : []),
  ];
  const last = error === undefined ? [] : [`last error ${error.code}: ${error.message}`];
  return [facts.join(", "), ...last];
}
