import { BatutaError, LaneFullError, type Problem } from "../domain/errors.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";

/** A failure as a command tells it: the problem, its cause, what to do next. */
export interface Failure {
  readonly exitCode: ExitCode;
  readonly lines: readonly string[];
}

/** Problems beyond these are counted instead of listed. */
const PROBLEMS_SHOWN = 50;

/**
 * Any thrown value for people. Stack traces are for `debug` alone (BATUTA_LOG_LEVEL=debug or trace).
 */
export function explainFailure(thrown: unknown, debug: boolean): Failure {
  const exitCode = exitCodeOf(thrown);
  const next = nextStep(thrown, exitCode);
  const lines = [
    `batuta: ${messageOf(thrown)}`,
    ...problemLines(thrown),
    ...causeLines(thrown),
    ...(next === undefined ? [] : [`next: ${next}`]),
    ...(debug && thrown instanceof Error ? stacksOf(thrown) : []),
  ];
  return { exitCode, lines };
}

const BY_CODE: Readonly<Record<string, ExitCode>> = {
  CONFIG: EXIT.usage,
  INVALID: EXIT.usage,
  UNREACHABLE: EXIT.unreachable,
  LANE_FULL: EXIT.unreachable,
  NOT_FOUND: EXIT.notFound,
  TIMEOUT: EXIT.timeout,
};

function exitCodeOf(thrown: unknown): ExitCode {
  const known = thrown instanceof BatutaError ? BY_CODE[thrown.code] : undefined;
  return known ?? EXIT.internal;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
}

/** One line for each problem of an input; those of settings are in the message already. */
function problemLines(thrown: unknown): string[] {
  if (!(thrown instanceof BatutaError) || thrown.code !== "INVALID") return [];
  const shown = thrown.problems.slice(0, PROBLEMS_SHOWN).map(problemLine);
  const left = thrown.problems.length - shown.length;
  return left > 0 ? [...shown, `  … and ${left} more`] : shown;
}

function problemLine({ pointer, detail, code, hint }: Problem): string {
  const where = pointer === "" ? "(the whole)" : pointer;
  return `  ${where}  ${detail} [${code}]${hint === undefined ? "" : `; ${hint}`}`;
}

function causeLines(thrown: unknown): string[] {
  const said = [messageOf(thrown)];
  for (const cause of causesOf(thrown)) {
    const text = messageOf(cause);
    if (!said.some((earlier) => earlier.includes(text))) said.push(text);
  }
  return said.slice(1).map((text) => `cause: ${text}`);
}

function causesOf(thrown: unknown): unknown[] {
  const causes: unknown[] = [];
  let current = thrown;
  while (current instanceof Error && current.cause !== undefined && causes.length < 5) {
    current = current.cause;
    causes.push(current);
  }
  return causes;
}

/** Undefined where the message tells what to do already. */
function nextStep(thrown: unknown, exitCode: ExitCode): string | undefined {
  if (exitCode === EXIT.internal) {
    return "set BATUTA_LOG_LEVEL=debug to see where it happened, and report it";
  }
  if (thrown instanceof LaneFullError) {
    return "add workers or wait: `batuta queues` shows how many executions are before yours";
  }
  if (exitCode !== EXIT.unreachable || /`batuta |BATUTA_/.test(messageOf(thrown))) return undefined;
  return "start everything with `batuta dev`, or name a server with --url or BATUTA_NATS_URL";
}

function stacksOf(thrown: Error): string[] {
  const all = [thrown, ...causesOf(thrown)];
  return all.flatMap((error) => (error instanceof Error && error.stack ? [error.stack] : []));
}
