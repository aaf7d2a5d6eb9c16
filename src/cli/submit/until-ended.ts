import type { FlowEvent } from "../../messages/flow-event.ts";
import type { ExecutionResult } from "../../messages/result.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { flowEventLine } from "../inspect/event-lines.ts";
import { type Format, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { resultLines } from "./result-lines.ts";

/** Prints events as they come, if there are any to be printed, and then the result. */
export async function printUntilEnded(
  events: AsyncIterableIterator<FlowEvent> | undefined,
  ended: Promise<ExecutionResult>,
  output: Format,
  terminal: Terminal,
): Promise<ExitCode> {
  const printed = events && printEvents(events, output, terminal);
  const result = await ended;
  await printed;
  printRecord(terminal, output, result, resultLines(result, terminal.paint));
  return result.status === "completed" ? EXIT.ok : EXIT.failed;
}

/** Events are progress, so they are said; only jsonl has room for them in the data. */
async function printEvents(
  events: AsyncIterableIterator<FlowEvent>,
  output: Format,
  terminal: Terminal,
): Promise<void> {
  for await (const event of events) {
    if (output === "jsonl") terminal.print(JSON.stringify(event));
    else terminal.say(flowEventLine(event, terminal.paintSaid));
  }
}
