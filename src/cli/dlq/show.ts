import { wholeDeadLetter } from "../../bus/dead-letter-original.ts";
import { listDeadLetters, newestDeadLetter } from "../../bus/dead-letter-reader.ts";
import type { Config } from "../../config/variables.ts";
import type { DeadLetterSummary } from "../../domain/dead-letter.ts";
import { NotFoundError } from "../../domain/errors.ts";
import type { AttemptRecord, StoredDeadLetter } from "../../messages/result.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { ageText, type Format, printListing, printRecord } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { checkId, type FilterFlags, filterOf } from "./selection.ts";

export interface ListOptions extends FilterFlags {
  readonly output: Format;
  readonly limit: number;
  readonly cursor?: number;
}

export interface GetOptions {
  readonly output: Format;
}

/** A longer text of an error is for `dlq get`. */
const ERROR_CHARS = 60;

/** `batuta dlq ls`: the dead letters, oldest first. */
export async function list(
  config: Config,
  options: ListOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const now = Date.now();
  const { output, limit, cursor: after = 0 } = options;
  const filter = filterOf(options, now);
  await using bus = await openPreparedBus(config);
  const page = await listDeadLetters(bus, { filter, cursor: after, limit });
  await printListing(terminal, output, {
    records: page.deadLetters,
    columns: ["EXECUTION", "LANE", "REASON", "FLOW", "ATTEMPTS", "AGE", "ERROR"],
    cells: (letter) => letterCells(letter, now),
  });
  if (page.cursor !== null) terminal.say(`there are more: go on with --cursor ${page.cursor}`);
  return EXIT.ok;
}

export function letterCells(letter: DeadLetterSummary, now: number): readonly string[] {
  const { executionId, lane, reason, flowId, attempts, deadAt, error } = letter;
  const text = `${error.code}: ${error.message}`.replaceAll(/\s+/g, " ");
  return [
    executionId,
    lane,
    reason,
    flowId ?? "-",
    String(attempts),
    ageText(Date.parse(deadAt), now),
    text.length > ERROR_CHARS ? `${text.slice(0, ERROR_CHARS)}…` : text,
  ];
}

/**
 * `batuta dlq get ID`: everything about one.
 *
 * @throws NotFoundError when the execution has no dead letter.
 */
export async function get(
  config: Config,
  id: string,
  { output }: GetOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  checkId(id);
  await using bus = await openPreparedBus(config);
  const letter = await newestDeadLetter(bus, id);
  if (letter === undefined) {
    throw new NotFoundError(
      `execution ${id} has no dead letter; \`batuta dlq ls\` lists those that have one`,
    );
  }
  const whole = await wholeDeadLetter(bus, letter);
  printRecord(terminal, output, whole, letterLines(whole));
  return EXIT.ok;
}

/** A dead letter for people: what, why, every attempt, and the original. */
export function letterLines(letter: StoredDeadLetter): readonly string[] {
  const { executionId, flowId, lane, reason, error, attempts, deadAt, message } = letter;
  return [
    `${executionId}: dead-lettered as ${reason} at ${deadAt}`,
    `flow ${flowId ?? "unknown"}, lane ${lane}, dead letter ${letter.sequence}`,
    `${error.code}${at(error.nodeId)}: ${error.message}`,
    ...(letter.problems ?? []).map(
      ({ code, pointer, detail }) => `  ${pointer || "(the whole)"}  ${detail} [${code}]`,
    ),
    ...attempts.map(attemptLine),
    `published at ${message.publishedAt} as message ${message.sequence} of ${message.stream}, ${message.bytes} bytes`,
    ...Object.entries(message.headers).flatMap(([name, values]) =>
      values.map((value) => `  ${name}: ${value}`),
    ),
    bodyText(letter),
  ];
}

function attemptLine({ attempt, workerId, error, at: when }: AttemptRecord): string {
  const where = workerId === null ? "" : ` on ${workerId}`;
  return `attempt ${attempt}${where}, ${when}: ${error.code}${at(error.nodeId)}: ${error.message}`;
}

function at(nodeId: string | undefined): string {
  return nodeId === undefined ? "" : ` at node ${nodeId}`;
}

function bodyText({ message: { data, dataBase64, blob } }: StoredDeadLetter): string {
  if (dataBase64 !== undefined) return `not JSON, as base64: ${dataBase64}`;
  if (data !== undefined) return JSON.stringify(data, null, 2);
  return `the original is not in the object store any more (${blob})`;
}
