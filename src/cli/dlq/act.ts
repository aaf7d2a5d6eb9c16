import { purgeDeadLetters, replayDeadLetters } from "../../bus/dead-letter-actions.ts";
import type { Config } from "../../config/variables.ts";
import type { DeadLetterAction } from "../../domain/dead-letter.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import { type Format, printListing } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import { type FilterFlags, selectionOf } from "./selection.ts";

export interface ActOptions extends FilterFlags {
  readonly output: Format;
  readonly all: boolean;
  readonly yes: boolean;
  readonly dryRun: boolean;
}

const ACTIONS = { replay: replayDeadLetters, purge: purgeDeadLetters } as const;
const PROGRESS_EVERY = 100;

/** `batuta dlq replay|purge`: acts on ids at once, on anything else only with --yes. */
export async function act(
  config: Config,
  name: keyof typeof ACTIONS,
  ids: readonly string[],
  options: ActOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const selection = selectionOf(name, ids, options, Date.now());
  const dryRun = options.dryRun || (ids.length === 0 && !options.yes);
  await using bus = await openPreparedBus(config);
  const onProgress = (done: number, total: number) => {
    if (done % PROGRESS_EVERY === 0) terminal.say(`${name}: ${done} of ${total}`);
  };
  const actions = await ACTIONS[name](bus, selection, { dryRun, onProgress });
  await printListing(terminal, options.output, {
    records: actions,
    columns: ["EXECUTION", "OUTCOME", "LANE", "REASON", "FLOW", "NOTE"],
    cells: actionCells,
  });
  terminal.say(summaryLine(name, actions, dryRun));
  if (dryRun && !options.dryRun) terminal.say(`nothing was changed; add --yes to ${name} them`);
  return exitCodeOf(actions);
}

export function actionCells(action: DeadLetterAction): readonly string[] {
  const { executionId, outcome, lane, reason, flowId, note } = action;
  return [executionId, outcome, lane ?? "-", reason ?? "-", flowId ?? "-", note ?? ""];
}

/** "replay: 3 replayed, 1 failed". */
export function summaryLine(
  name: string,
  actions: readonly DeadLetterAction[],
  dryRun: boolean,
): string {
  const counts = new Map<string, number>();
  for (const { outcome } of actions) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const parts = [...counts].map(([outcome, count]) => `${count} ${outcome}`);
  const text = parts.length === 0 ? "no dead letter fits" : parts.join(", ");
  return `${name}${dryRun ? " (dry run)" : ""}: ${text}`;
}

function exitCodeOf(actions: readonly DeadLetterAction[]): ExitCode {
  if (actions.some(({ outcome }) => outcome === "failed")) return EXIT.failed;
  return actions.some(({ outcome }) => outcome === "missing") ? EXIT.notFound : EXIT.ok;
}
