import {
  type DeadLetterAction,
  type DeadLetterSummary,
  newestPerExecution,
} from "../domain/dead-letter.ts";
import type { DeadLetterSelection } from "../domain/dead-letter-filter.ts";
import { BatutaError, UnreachableError } from "../domain/errors.ts";
import type { Bus } from "./connect.ts";
import { deadLetterAt, deadLettersOf, scanDeadLetters, summaryOf } from "./dead-letter-reader.ts";
import { type LetterOutcome, previewReplay, removeLetter, replayLetter } from "./replay.ts";

export interface ActionOptions {
  /** True changes nothing and tells what would be done. */
  readonly dryRun: boolean;
  /** Called after each letter. */
  readonly onProgress?: (done: number, total: number) => void;
}

const OLDER = "a newer dead letter of the same execution is there: this one is only removed";

/**
 * Replays the letters that are selected, oldest first, and tells what came of each. One that cannot
 * be replayed holds up no other. Safe to repeat, and to run twice at once.
 *
 * @throws UnreachableError when the bus does not answer; what was not replayed is still there.
 */
export async function replayDeadLetters(
  bus: Bus,
  selection: DeadLetterSelection,
  options: ActionOptions,
): Promise<DeadLetterAction[]> {
  const selected = await select(bus, selection);
  const older = new Set(newestPerExecution(selected.letters).older);
  return act(selected, options, async (letter) => {
    const now = Date.now();
    if (!older.has(letter)) {
      const replay = options.dryRun ? previewReplay : replayLetter;
      return replay(bus, letter.sequence, now);
    }
    if (options.dryRun) return { outcome: "selected", notes: [OLDER] };
    return { outcome: (await remove(bus, letter)) ? "superseded" : "missing", notes: [] };
  });
}

/**
 * Deletes the letters that are selected, and no later ones of the same executions. Their terminal
 * records stay.
 *
 * @throws UnreachableError when the bus does not answer; what was not purged is still there.
 */
export async function purgeDeadLetters(
  bus: Bus,
  selection: DeadLetterSelection,
  options: ActionOptions,
): Promise<DeadLetterAction[]> {
  return act(await select(bus, selection), options, async (letter) => {
    if (options.dryRun) return { outcome: "selected", notes: [] };
    return { outcome: (await remove(bus, letter)) ? "purged" : "missing", notes: [] };
  });
}

async function remove(bus: Bus, { sequence }: DeadLetterSummary): Promise<boolean> {
  const letter = await deadLetterAt(bus, sequence);
  return letter !== undefined && removeLetter(bus, letter);
}

interface Selected {
  readonly letters: readonly DeadLetterSummary[];
  /** Ids that were named and have no letter. */
  readonly missing: readonly string[];
}

/** Summaries only: there may be many letters, and each may be large. */
async function select(bus: Bus, selection: DeadLetterSelection): Promise<Selected> {
  const letters: DeadLetterSummary[] = [];
  const missing: string[] = [];
  if ("filter" in selection) {
    for await (const letter of scanDeadLetters(bus, selection.filter))
      letters.push(summaryOf(letter));
    return { letters, missing };
  }
  for (const executionId of new Set(selection.executionIds)) {
    const found = await deadLettersOf(bus, executionId);
    letters.push(...found.map(summaryOf));
    if (found.length === 0) missing.push(executionId);
  }
  return { letters: letters.sort((a, b) => a.sequence - b.sequence), missing };
}

async function act(
  { letters, missing }: Selected,
  { onProgress }: ActionOptions,
  doOne: (letter: DeadLetterSummary) => Promise<LetterOutcome>,
): Promise<DeadLetterAction[]> {
  const actions = missing.map(missingAction);
  for (const [index, letter] of letters.entries()) {
    const { outcome, notes } = await doOne(letter).catch(failedOutcome);
    const { executionId, flowId, lane, reason, sequence } = letter;
    const note = notes.length === 0 ? {} : { note: notes.join("; ") };
    actions.push({ executionId, flowId, lane, reason, sequence, outcome, ...note });
    onProgress?.(index + 1, letters.length);
  }
  return actions;
}

/** What is wrong with one letter, or one lane, is told with it; a bus that is away ends it all. */
function failedOutcome(error: unknown): LetterOutcome {
  if (!(error instanceof BatutaError) || error instanceof UnreachableError) throw error;
  return { outcome: "failed", notes: [error.message] };
}

function missingAction(executionId: string): DeadLetterAction {
  const nothing = { flowId: null, lane: null, reason: null, sequence: null };
  const note = "there is no dead letter of it";
  return { executionId, ...nothing, outcome: "missing", note };
}
