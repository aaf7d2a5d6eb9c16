import type { DeadLetterPage, DeadLetterSummary } from "../domain/dead-letter.ts";
import { type DeadLetterFilter, matchesFilter } from "../domain/dead-letter-filter.ts";
import { isId } from "../domain/ids.ts";
import { isLane, LANES } from "../domain/lane.ts";
import type { DeadLetter, StoredDeadLetter } from "../messages/result.ts";
import type { Bus } from "./connect.ts";
import { scanStream } from "./scan-stream.ts";
import { storedMessage } from "./stored-message.ts";

/** Each may hold an original of a megabyte. */
const BATCH = 32;

export interface PageOptions {
  readonly filter: DeadLetterFilter;
  /** The cursor of the page before; 0 begins with the oldest. */
  readonly cursor: number;
  readonly limit: number;
}

/** A page of dead letters in the order in which they were stored, without their originals. */
export async function listDeadLetters(
  bus: Bus,
  { filter, cursor, limit }: PageOptions,
): Promise<DeadLetterPage> {
  const deadLetters: DeadLetterSummary[] = [];
  for await (const letter of scanDeadLetters(bus, filter, cursor)) {
    if (deadLetters.length === limit) {
      return { deadLetters, cursor: deadLetters.at(-1)?.sequence ?? null };
    }
    deadLetters.push(summaryOf(letter));
  }
  return { deadLetters, cursor: null };
}

/** The newest dead letter of an execution over all lanes, undefined when it has none. */
export async function newestDeadLetter(
  bus: Bus,
  executionId: string,
): Promise<StoredDeadLetter | undefined> {
  const { names } = bus;
  const found = await Promise.all(
    LANES.map((lane) =>
      storedMessage(bus, names.streams.dead, { last_by_subj: names.dead(lane, executionId) }),
    ),
  );
  const letters = found.flatMap((msg) => (msg === undefined ? [] : letterIn(msg.seq, msg.data)));
  return letters.sort((a, b) => b.sequence - a.sequence)[0];
}

/** The letter at a place of the stream, undefined when it is gone or is none. */
export async function deadLetterAt(
  bus: Pick<Bus, "jsm" | "names">,
  sequence: number,
): Promise<StoredDeadLetter | undefined> {
  const msg = await storedMessage(bus, bus.names.streams.dead, { seq: sequence });
  return msg === undefined ? undefined : letterIn(msg.seq, msg.data)[0];
}

/**
 * The letters that fit, oldest first, that were there when the call was made: one that comes in
 * while its earlier self is replayed is left for the next call.
 */
export async function* scanDeadLetters(
  bus: Bus,
  filter: DeadLetterFilter,
  after = 0,
): AsyncGenerator<StoredDeadLetter> {
  const { jsm, names } = bus;
  const stream = names.streams.dead;
  if (after >= (await jsm.streams.info(stream)).state.last_seq) return;
  const { lane = "*" } = filter;
  // A 2.9 server takes an execution over all lanes for no part of this stream: that is left to the filter.
  const subject = names.dead(lane, lane === "*" ? "*" : (filter.executionId ?? "*"));
  const scan = { stream, subject, from: { sequence: after + 1 }, batch: BATCH };
  for await (const { seq, data } of scanStream(bus, scan))
    for (const letter of letterIn(seq, data)) if (matchesFilter(letter, filter)) yield letter;
}

/** Every letter of one execution. */
export async function deadLettersOf(bus: Bus, executionId: string): Promise<StoredDeadLetter[]> {
  const letters: StoredDeadLetter[] = [];
  for (const lane of LANES)
    for await (const letter of scanDeadLetters(bus, { lane, executionId })) letters.push(letter);
  return letters;
}

export function summaryOf(letter: StoredDeadLetter): DeadLetterSummary {
  const { sequence, executionId, flowId, lane, reason, error, attempts, deadAt, message } = letter;
  const { bytes } = message;
  const count = attempts.length;
  return { sequence, executionId, flowId, lane, reason, error, attempts: count, deadAt, bytes };
}

/** One letter or none: anybody may publish on these subjects, and what is no letter is passed over. */
function letterIn(sequence: number, data: Uint8Array): StoredDeadLetter[] {
  try {
    const letter = JSON.parse(new TextDecoder().decode(data)) as DeadLetter;
    const { executionId, lane, attempts, message, deadAt, error } = letter;
    const isLetter =
      isId(executionId) &&
      isLane(lane) &&
      Array.isArray(attempts) &&
      typeof message === "object" &&
      typeof error?.message === "string" &&
      !Number.isNaN(Date.parse(deadAt));
    return isLetter ? [{ ...letter, sequence }] : [];
  } catch {
    return [];
  }
}
