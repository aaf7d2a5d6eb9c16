import type { DeadLetterAction } from "../domain/dead-letter.ts";
import { InvalidInputError, UnreachableError } from "../domain/errors.ts";
import type { DeadLetter, ExecutionResult, StoredDeadLetter } from "../messages/result.ts";
import type { Bus } from "./connect.ts";
import { deleteOriginal, readOriginal } from "./dead-letter-original.ts";
import { deadLetterAt } from "./dead-letter-reader.ts";
import { type ExecutionMemory, ExecutionStore } from "./executions.ts";
import { publishStored } from "./publish.ts";
import { type ReplayMessage, replayMessage } from "./replay-message.ts";
import { storeResultOnce } from "./results.ts";
import { deleteStored, storedMessage } from "./stored-message.ts";

export interface LetterOutcome {
  readonly outcome: DeadLetterAction["outcome"];
  readonly notes: readonly string[];
}

const HEADER_ROOM = 8_192;
const MISSING: LetterOutcome = { outcome: "missing", notes: [] };

/** What a replay of the letter at a place would do; changes nothing. */
export async function previewReplay(
  bus: Bus,
  sequence: number,
  now: number,
): Promise<LetterOutcome> {
  const prepared = await prepare(bus, sequence, now);
  if (prepared === undefined) return MISSING;
  const { letter, message } = prepared;
  const { record } = await endOf(bus, letter);
  const isOver = message.keepsId && record !== undefined && !isEndOf(record, letter);
  return { outcome: "selected", notes: isOver ? [overNote(record)] : message.notes };
}

/**
 * Sends the message of a dead letter into its lane again, and removes the letter once it is stored.
 *
 * The terminal record and the attempts of the run that failed go first: with them there, the message
 * would count as one that has ended. The letter goes last. So whoever dies in between leaves the
 * letter, and the next replay goes on from there. Each thing is removed by its exact sequence or
 * revision, and only if it belongs to that run: an operator who comes late undoes nothing of the first.
 *
 * @throws InvalidInputError when it cannot be sent at all; nothing was changed then.
 * @throws LaneFullError, UnreachableError; the letter is still there.
 */
export async function replayLetter(
  bus: Bus,
  sequence: number,
  now: number,
): Promise<LetterOutcome> {
  const prepared = await prepare(bus, sequence, now);
  if (prepared === undefined) return MISSING;
  const { letter, message } = prepared;
  const { notes, keepsId } = message;
  // Without an id the message runs as another execution: this one has ended, and stays so.
  const { removed, standing } = keepsId ? await reopen(bus, letter) : NOTHING_REOPENED;
  if (standing !== undefined) {
    await removeLetter(bus, letter);
    return { outcome: "superseded", notes: [overNote(standing)] };
  }
  try {
    await publishStored(bus, bus.names.execute(letter.lane), message.body, message.headers);
  } catch (error) {
    if (removed !== undefined && !(error instanceof UnreachableError)) {
      // Surely not stored (the lane is full): the execution stays ended until it is replayed.
      await storeResultOnce(bus, removed);
    }
    throw error;
  }
  await removeLetter(bus, letter);
  return { outcome: "replayed", notes };
}

/** Removes a letter with what it keeps in the object store. False when it was gone. */
export async function removeLetter(bus: Bus, letter: StoredDeadLetter): Promise<boolean> {
  const removed = await deleteStored(bus, bus.names.streams.dead, letter.sequence);
  if (removed) await deleteOriginal(bus, letter);
  return removed;
}

interface Prepared {
  readonly letter: StoredDeadLetter;
  readonly message: ReplayMessage;
}

async function prepare(bus: Bus, sequence: number, now: number): Promise<Prepared | undefined> {
  const letter = await deadLetterAt(bus, sequence);
  if (letter === undefined) return undefined;
  const original = await readOriginal(bus, letter);
  if (original === undefined) {
    throw new InvalidInputError(
      `the original of ${letter.executionId} is not in the object store any more (${letter.message.blob}): purge the letter`,
    );
  }
  const message = replayMessage(letter, original, now);
  if (message.body.length + HEADER_ROOM > bus.maxPayloadBytes) {
    throw new InvalidInputError(
      `the message of ${letter.executionId} has ${message.body.length} bytes, and the server takes ${bus.maxPayloadBytes} at most (max_payload)`,
    );
  }
  return { letter, message };
}

interface Reopened {
  /** The terminal record that was taken away. */
  readonly removed?: ExecutionResult;
  /** The terminal record of a later run: it stands. */
  readonly standing?: ExecutionResult;
}

const NOTHING_REOPENED: Reopened = {};

/**
 * Removes the end of the run that the letter tells of. When the execution has another end, it ran
 * again since, and nothing is removed.
 */
async function reopen(bus: Bus, letter: DeadLetter): Promise<Reopened> {
  const { record, sequence } = await endOf(bus, letter);
  if (record !== undefined) {
    if (!isEndOf(record, letter)) return { standing: record };
    await deleteStored(bus, bus.names.streams.results, sequence);
  }
  const executions = await ExecutionStore.open(bus);
  await executions.forget(letter.executionId, (memory) => isHistoryOf(memory, letter));
  return record === undefined ? {} : { removed: record };
}

/** The terminal record that the execution of a letter has now, and its sequence. */
async function endOf(bus: Bus, { executionId }: DeadLetter) {
  const { names } = bus;
  const last = { last_by_subj: names.result(executionId) };
  const stored = await storedMessage(bus, names.streams.results, last);
  return { record: stored?.json<ExecutionResult>(), sequence: stored?.seq ?? 0 };
}

function overNote({ status }: ExecutionResult): string {
  return `its execution ended as ${status} since: the letter is only removed`;
}

/** Record and letter of one run are written with one and the same instant; clocks are not compared. */
function isEndOf(record: ExecutionResult, { deadAt }: DeadLetter): boolean {
  return record.status === "failed" && record.finishedAt === deadAt;
}

/** Attempts of a later run are left alone: another operator may have replayed the letter already. */
function isHistoryOf({ attempts }: ExecutionMemory, letter: DeadLetter): boolean {
  const deadAt = Date.parse(letter.deadAt);
  return attempts.every(
    ({ attempt, at }) =>
      Date.parse(at) <= deadAt ||
      letter.attempts.some((known) => known.attempt === attempt && known.at === at),
  );
}
