import type { ExecutionResult, TerminalStatus } from "../../messages/result.ts";
import { spanText } from "../output.ts";
import type { Paint, Style } from "../terminal.ts";

const STATUS_STYLES: Readonly<Record<TerminalStatus, Style>> = {
  completed: "green",
  failed: "red",
  cancelled: "yellow",
};

/** How an execution ended, for people: one line about it, then its output or its error. */
export function resultLines(result: ExecutionResult, paint: Paint): readonly string[] {
  const { status, workerId, attempts, durationMs, queueWaitMs } = result;
  const facts = [
    paint(STATUS_STYLES[status], status),
    workerId === null ? "run by no worker" : `on ${workerId}`,
    `in ${spanText(durationMs)} after waiting ${spanText(queueWaitMs)}`,
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
  ];
  return [facts.join(", "), ...outcomeLines(result)];
}

function outcomeLines({ status, output, error, reason }: ExecutionResult): string[] {
  if (status === "completed") return [JSON.stringify(output ?? null, null, 2)];
  if (error === undefined) return [];
  const where = error.nodeId === undefined ? "" : ` at node ${error.nodeId}`;
  const why = reason === undefined ? [] : [`dead-lettered as ${reason}`];
  return [`${error.code}${where}: ${error.message}`, ...why];
}
