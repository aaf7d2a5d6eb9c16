import type { JetStreamManager } from "@nats-io/jetstream";
import type { Msg } from "nats";
import { BatutaError, UnreachableError } from "../domain/errors.ts";
import type { ExecutionResult } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { headerBlock } from "./outbox.ts";
import { refusalOf } from "./pub-ack.ts";
import { storedMessage } from "./stored-message.ts";

/** "stored": this is the terminal record. "fenced": there was one already, and it stands. */
export type StoreOutcome = "stored" | "fenced";

/** The stream takes the record only if its subject is empty: this is what ends an execution once. */
const FIRST_OF_SUBJECT = headerBlock([[HEADERS.expectedLastSubjectSequence, "0"]]);
const WRONG_LAST_SEQUENCE = 10_071;
const ATTEMPT_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;
/** Subscribers see each attempt, also one that is refused: while there is no room they get rare. */
const FULL_RETRY_MS = { first: 500, most: 5_000 };

/** Hears of each attempt that found no room in the result stream. */
export type OnFull = (detail: string) => void;

/**
 * Stores a terminal record by compare-and-set, trying again for as long as the bus does not answer
 * (a leader election, a restart) and the connection is not closed. While the stream is full it goes
 * on trying as well if there is an `onFull`; without one it settles with a StreamFullError.
 *
 * After a time-out the record may have been stored by the attempt that seemed to fail; the next one
 * then finds it, and `isOwn` tells it from a record of somebody else.
 */
export function storeResult(
  bus: Bus,
  result: ExecutionResult,
  settle: (outcome: StoreOutcome | Error) => void,
  onFull?: OnFull,
): void {
  const subject = bus.names.result(result.executionId);
  const body = JSON.stringify(result);
  let uncertain = false;
  let fullRetryMs = FULL_RETRY_MS.first;
  const again = () => setTimeout(attempt, RETRY_MS);
  const againWhileFull = (detail: string) => {
    onFull?.(detail);
    setTimeout(attempt, fullRetryMs);
    fullRetryMs = Math.min(2 * fullRetryMs, FULL_RETRY_MS.most);
  };
  const answered = (msg: Msg | undefined) => {
    const answer = outcomeOf(msg);
    if (answer === "fenced" && uncertain) {
      isOwn(bus, result).then((own) => settle(own ? "stored" : "fenced"), again);
    } else if (answer === "unanswered" || answer === "unavailable") {
      uncertain ||= answer === "unanswered";
      again();
    } else if (answer instanceof StreamFullError && onFull !== undefined) {
      againWhileFull(answer.message);
    } else settle(answer);
  };
  const attempt = () => {
    if (bus.nc.isClosed()) {
      settle(new UnreachableError(`${subject} was not stored: the connection is closed`));
      return;
    }
    const options = { headers: FIRST_OF_SUBJECT, timeoutMs: ATTEMPT_TIMEOUT_MS };
    try {
      bus.mux.send(subject, body, options, answered);
    } catch (error) {
      settle(new ResultRefusedError(`the record cannot be sent: ${(error as Error).message}`));
    }
  };
  attempt();
}

/**
 * The same as a promise, looking first. JetStream refuses a second record, but plain subscribers of
 * the subject see the attempt all the same: where there is time, it is better not made.
 */
export async function storeResultOnce(
  bus: Bus,
  result: ExecutionResult,
  onFull?: OnFull,
): Promise<StoreOutcome> {
  // A look that fails decides nothing: the compare-and-set does.
  const present = await findResult(bus, result.executionId).catch(() => undefined);
  if (present !== undefined) return "fenced";
  return new Promise((resolve, reject) => {
    const settle = (outcome: StoreOutcome | Error) => {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    };
    storeResult(bus, result, settle, onFull);
  });
}

/** Whether the record is stored, was not needed, or has to be sent again. */
function outcomeOf(msg: Msg | undefined): StoreOutcome | "unanswered" | "unavailable" | Error {
  const refusal = refusalOf(msg);
  if (refusal === undefined) return "stored";
  if (refusal.type === "unanswered" || refusal.type === "unavailable") return refusal.type;
  if (refusal.type === "full") {
    return new StreamFullError(`the result stream has no room: ${refusal.description}`);
  }
  if (refusal.errorCode === WRONG_LAST_SEQUENCE) return "fenced";
  return new ResultRefusedError(`the result stream refused the record: ${refusal.description}`);
}

/** The result stream does not take this record, however often it is sent. */
export class ResultRefusedError extends BatutaError {
  override readonly name = "ResultRefusedError";
  readonly code = "RESULT_REFUSED";
  readonly retryable = false;
}

/** A stream that has to take an outcome has no room; the execution ends once it has. */
export class StreamFullError extends BatutaError {
  override readonly name = "StreamFullError";
  readonly code = "STREAM_FULL";
  readonly retryable = true;
}

async function isOwn(bus: Bus, result: ExecutionResult): Promise<boolean> {
  const stored = await findResult(bus, result.executionId);
  return stored?.workerId === result.workerId && stored?.finishedAt === result.finishedAt;
}

/** The terminal record of an execution, undefined while it has none. */
export async function findResult(
  bus: Pick<Bus, "jsm" | "names">,
  executionId: string,
): Promise<ExecutionResult | undefined> {
  return (await findStoredResult(bus, executionId))?.result;
}

/** The same, with its place in the stream. */
export async function findStoredResult(
  bus: Pick<Bus, "jsm" | "names">,
  executionId: string,
): Promise<{ readonly result: ExecutionResult; readonly sequence: number } | undefined> {
  const { names } = bus;
  const which = { last_by_subj: names.result(executionId) };
  const stored = await storedMessage(bus, names.streams.results, which);
  return stored && { result: stored.json<ExecutionResult>(), sequence: stored.seq };
}

/**
 * The terminal record of an execution whose result was just seen on the bus. A subscriber may be
 * faster than the stream, so it is looked for up to eight times within about a second; undefined when
 * the stream did not take it.
 */
export async function findFreshResult(
  bus: Pick<Bus, "jsm" | "names">,
  executionId: string,
): Promise<ExecutionResult | undefined> {
  for (let waitMs = 4; waitMs <= 512; waitMs *= 2) {
    const result = await findResult(bus, executionId);
    if (result !== undefined) return result;
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }
  return undefined;
}

/** The last message on a subject of a stream, parsed; undefined when there is none. */
export async function lastBySubject<T>(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
): Promise<T | undefined> {
  const stored = await storedMessage({ jsm }, stream, { last_by_subj: subject });
  return stored?.json<T>();
}
