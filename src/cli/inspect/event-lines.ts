import type { FlowEvent } from "../../messages/flow-event.ts";
import type { FlowEventKind } from "../../messages/subjects.ts";
import type { WorkerStateEvent } from "../../messages/worker.ts";
import { spanText } from "../output.ts";
import type { Paint, Style } from "../terminal.ts";

const KIND_STYLES: Readonly<Partial<Record<FlowEventKind, Style>>> = {
  completed: "green",
  failed: "red",
  cancelled: "yellow",
  retrying: "yellow",
  redistributed: "yellow",
  paused: "yellow",
};

/** One event of an execution on one line: when, what, which execution, and what there is to say. */
export function flowEventLine(event: FlowEvent, paint: Paint): string {
  const kind = paint(KIND_STYLES[event.kind] ?? "cyan", event.kind.padEnd(13));
  const facts = flowFacts(event).join(" ");
  return `${clockText(event.at)}  ${kind}  ${event.executionId}  ${facts}`.trimEnd();
}

/** One change of a worker's state on one line. */
export function workerEventLine(event: WorkerStateEvent, paint: Paint): string {
  const { at, workerId, from, to, reasons, inFlight } = event;
  const change = `${from ?? "(new)"} -> ${to}`;
  const why = reasons.length === 0 ? "" : `: ${reasons.join("; ")}`;
  const held = inFlight === 0 ? "" : ` (${inFlight} in flight)`;
  return `${clockText(at)}  ${paint("bold", "worker".padEnd(13))}  ${workerId}  ${change}${held}${why}`;
}

function flowFacts(event: FlowEvent): string[] {
  const { nodeId, status, lane, workerId, attempt, durationMs, delayMs, progress, error } = event;
  return [
    named("node", nodeId),
    status ?? "",
    named("lane", lane),
    named("on", workerId),
    attempt !== undefined && attempt > 1 ? `attempt ${attempt}` : "",
    durationMs === undefined ? "" : `in ${spanText(durationMs)}`,
    delayMs === undefined ? "" : `again in ${spanText(delayMs)}`,
    typeof progress === "number" ? `${Math.round(progress * 100)}%` : "",
    event.reason ?? "",
    error === undefined ? "" : `${error.code}: ${error.message}`,
  ].filter((fact) => fact !== "");
}

function named(name: string, value: string | undefined): string {
  return value === undefined ? "" : `${name} ${value}`;
}

/** The time of day in UTC, with milliseconds: events of one execution follow each other closely. */
function clockText(at: string): string {
  return at.slice(11, 23);
}
