import { executionFacts } from "../../bus/explain-execution.ts";
import type { Config } from "../../config/variables.ts";
import { type Explanation, explainExecution } from "../../domain/explain-execution.ts";
import { checkExecutionId, noSuchExecution } from "../executions/execution-id.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printRecord } from "../output.ts";
import type { Paint, Terminal } from "../terminal.ts";

/**
 * `batuta explain ID`: what happened to an execution and why, in the order of time.
 *
 * @throws NotFoundError when there is none of that id.
 */
export async function explainOne(
  config: Config,
  id: string,
  { output }: { readonly output: Format },
  terminal: Terminal,
): Promise<ExitCode> {
  checkExecutionId(id);
  await using bus = await openPreparedBus(config);
  const facts = await executionFacts(bus, id);
  if (facts === undefined) throw noSuchExecution(id);
  const explanation = explainExecution(facts);
  if (isOld(facts.queuedAt ?? facts.finishedAt, Date.now()))
    terminal.say("decisions are kept for 24 hours: of what is older only the attempts are known");
  printRecord(terminal, output, explanation, explanationLines(explanation, terminal.paint));
  return EXIT.ok;
}

const DECISIONS_KEPT_MS = 86_400_000;

function isOld(since: string | null, now: number): boolean {
  return since !== null && now - Date.parse(since) > DECISIONS_KEPT_MS;
}

/** Errors and reasons come from anywhere: line breaks and control characters are shown, not obeyed. */
function explanationLines({ summary, steps }: Explanation, paint: Paint): readonly string[] {
  const lines = steps.flatMap(({ at, what, why }) => [
    `${paint("dim", timeText(at))}  ${oneLine(what)}`,
    ...why.map((reason) => `${" ".repeat(14)}${paint("dim", oneLine(reason))}`),
  ]);
  return [paint("bold", oneLine(summary)), ...lines];
}

function timeText(at: string | null): string {
  return (at === null ? "now" : at.slice(11, 23)).padEnd(12);
}

export function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is to be shown
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, escaped);
}

/** Not by JSON, which leaves half of these as they are. */
function escaped(character: string): string {
  const code = character.charCodeAt(0).toString(16).padStart(4, "0");
  return character === "\n" ? "\\n" : `\\u${code}`;
}
