import type { ReceivedTask } from "../bus/worker-link.ts";
import type { ErrorInfo } from "../domain/errors.ts";
import { isoOf } from "../domain/instant.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { ExecutionResult } from "../messages/result.ts";
import type { Prepared, RunOutcome } from "./flow-engine.ts";
import type { LazyAbort } from "./lazy-abort.ts";
import type { PauseSwitch } from "./pause-switch.ts";

/** A task that this worker holds, from its arrival until it is reported. */
export interface RunningTask {
  readonly task: ReceivedTask;
  readonly flowId: string;
  readonly startedAt: number;
  readonly abort: LazyAbort;
  readonly pause: PauseSwitch;
  /** The heartbeat thread knows of it and extends it. */
  announced: boolean;
  /** Somebody else has stored its terminal record. */
  recorded: boolean;
  /** Given up here, to be run elsewhere: what comes of it now is dropped. */
  abandoned: boolean;
}

/** What makes a terminal record of a worker: completed with an output, or cancelled. */
export type EndedRun = Extract<RunOutcome, { status: "completed" | "cancelled" }>;

/** The terminal record of a run that ended at `finishedAt`, epoch milliseconds. */
export function terminalRecord(
  { task, flowId, startedAt }: RunningTask,
  outcome: EndedRun,
  workerId: string,
  finishedAt: number,
): ExecutionResult {
  return {
    executionId: task.executionId,
    flowId,
    status: outcome.status,
    ...(outcome.status === "completed" ? { output: outcome.output } : { error: outcome.error }),
    attempts: task.attempt,
    workerId,
    queuedAt: isoOf(task.queuedAt),
    startedAt: isoOf(startedAt),
    finishedAt: isoOf(finishedAt),
    queueWaitMs: Math.max(0, startedAt - task.queuedAt),
    durationMs: finishedAt - startedAt,
    lane: task.lane,
  };
}

/** Nodes make up codes, messages and delays of any size; the report of others must not suffer for it. */
export function reportable(error: ErrorInfo): ErrorInfo {
  const { code, message, retryAfterMs, ...rest } = error;
  const short = { ...rest, code: code.slice(0, 64), message: message.slice(0, 2_000) };
  if (retryAfterMs === undefined || !(retryAfterMs >= 0)) return short;
  return { ...short, retryAfterMs: Math.min(retryAfterMs, 86_400_000) };
}

/** The orchestrator has checked the message; this is for a task that came from elsewhere. */
export function readBody(data: Uint8Array): ExecuteMessage | undefined {
  try {
    const body: unknown = JSON.parse(
      Buffer.from(data.buffer, data.byteOffset, data.length).toString("utf8"),
    );
    return typeof body === "object" && body !== null ? (body as ExecuteMessage) : undefined;
  } catch {
    return undefined;
  }
}

export function notAFlow(prepared: Prepared): ErrorInfo {
  if (prepared.type === "invalid") return prepared.error;
  return { code: "INVALID", message: "the task is not a flow message", retryable: false };
}

/** A cheap upper bound first: most outputs are far too small to be worth serialising twice. */
export function outputBytes(result: ExecutionResult): number {
  const { output } = result;
  if (
    output === null ||
    output === undefined ||
    typeof output === "number" ||
    typeof output === "boolean"
  )
    return 8;
  return Buffer.byteLength(JSON.stringify(output));
}
