import { type JetStreamManager, JetStreamApiError } from "@nats-io/jetstream";
import type { Msg } from "nats";
import { BatutaError, UnreachableError } from "../domain/errors.ts";
import type { ExecutionResult } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { rawHeaders } from "./raw-headers.ts";
import { isNoResponders } from "./request-mux.ts";

/** "stored": this is the terminal record. "fenced": there was one already, and it stands. */
export type StoreOutcome = "stored" | "fenced";

/** The stream takes the record only if its subject is empty: this is what ends an execution once. */
const FIRST_OF_SUBJECT = rawHeaders([[HEADERS.expectedLastSubjectSequence, "0"]]);
const WRONG_LAST_SEQUENCE = 10_071;
const ATTEMPT_TIMEOUT_MS = 5_000;
const RETRY_MS = 250;

const encoder = new TextEncoder();

/**
 * Stores a terminal record by compare-and-set, trying again for as long as the bus does not answer
 * (a leader election, a restart) and `signal` allows.
 *
 * After a time-out the record may have been stored by the attempt that seemed to fail; the next one
 * then finds it, and `isOwn` tells it from a record of somebody else.
 */
export function storeResult(
  bus: Bus,
  result: ExecutionResult,
  settle: (outcome: StoreOutcome | Error) => void,
  signal?: AbortSignal,
): void {
  const subject = bus.names.result(result.executionId);
  const body = encoder.encode(JSON.stringify(result));
  let uncertain = false;
  const attempt = () => {
    if (signal?.aborted) return settle(new UnreachableError(`${subject} was not stored: stopping`));
    bus.mux.send(subject, body, { headers: FIRST_OF_SUBJECT, timeoutMs: ATTEMPT_TIMEOUT_MS }, (msg) => {
      const answer = readPubAck(msg);
      if (answer === "fenced" && uncertain) {
        isOwn(bus, result).then((own) => settle(own ? "stored" : "fenced"), settle);
      } else if (answer === "unanswered" || answer === "unavailable") {
        uncertain ||= answer === "unanswered";
        setTimeout(attempt, RETRY_MS);
      } else settle(answer);
    });
  };
  attempt();
}

/**
 * The same as a promise, looking first. JetStream refuses a second record, but plain subscribers of
 * the subject see the attempt all the same: where there is time, it is better not made.
 */
export async function storeResultOnce(bus: Bus, result: ExecutionResult): Promise<StoreOutcome> {
  if ((await findResult(bus, result.executionId)) !== undefined) return "fenced";
  return new Promise((resolve, reject) => {
    storeResult(bus, result, (outcome) => {
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    });
  });
}

type PubAck = StoreOutcome | "unanswered" | "unavailable" | Error;

function readPubAck(msg: Msg | undefined): PubAck {
  if (msg === undefined) return "unanswered";
  if (isNoResponders(msg)) return "unavailable";
  const text = msg.string();
  // Parsing is for failures only: this runs once per execution.
  if (!text.includes('"error"')) return "stored";
  const { error } = JSON.parse(text) as { error: { err_code?: number; code?: number; description?: string } };
  if (error.err_code === WRONG_LAST_SEQUENCE) return "fenced";
  if (error.code === 503) return "unavailable";
  return new ResultRefusedError(`the result stream refused the record: ${error.description}`);
}

/** The result stream does not take this record, however often it is sent. */
export class ResultRefusedError extends BatutaError {
  override readonly name = "ResultRefusedError";
  readonly code = "RESULT_REFUSED";
  readonly retryable = false;
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
  return lastBySubject<ExecutionResult>(
    bus.jsm,
    bus.names.streams.results,
    bus.names.result(executionId),
  );
}

/** The last message on a subject of a stream, parsed; undefined when there is none. */
export async function lastBySubject<T>(
  jsm: JetStreamManager,
  stream: string,
  subject: string,
): Promise<T | undefined> {
  try {
    const stored = await jsm.streams.getMessage(stream, { last_by_subj: subject });
    return stored === null ? undefined : stored.json<T>();
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}
