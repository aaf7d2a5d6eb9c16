import type { PubAck } from "@nats-io/jetstream";
import { JetStreamApiError } from "@nats-io/jetstream";
import type { MsgHdrs } from "nats";
import { LaneFullError, UnreachableError } from "../domain/errors.ts";
import type { Bus } from "./connect.ts";

/** A leader election of a three-node cluster took 6.9 s when measured (research/nats.md 3.8). */
const PATIENCE_MS = 15_000;
const RETRY_MS = 200;
/** err_code of: maximum messages exceeded (store failed), maximum bytes exceeded, insufficient storage. */
const LIMIT_REACHED = new Set([10_077, 10_076, 10_047]);

/**
 * Publishes into a stream; resolves once the message is stored. Tried again with the same message
 * id while the bus does not answer, so `headers` should carry one.
 *
 * @throws LaneFullError when the stream is at its limit.
 * @throws UnreachableError when the bus has not answered for 15 s, or no stream takes the subject.
 */
export async function publishStored(
  bus: Pick<Bus, "js">,
  subject: string,
  data: Uint8Array,
  headers?: MsgHdrs,
  patienceMs = PATIENCE_MS,
): Promise<PubAck> {
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    try {
      return await bus.js.publish(subject, data, headers === undefined ? {} : { headers });
    } catch (error) {
      if (isFull(error)) throw new LaneFullError(`${subject} is full; try again later`, { cause: error });
      if (!isPassing(error)) throw error;
      if (Date.now() >= giveUpAt) throw unanswered(subject, error);
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

function isFull(error: unknown): boolean {
  return error instanceof JetStreamApiError && LIMIT_REACHED.has(error.code);
}

/** No stream leader now, or no answer: the same publish may succeed in a moment. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof JetStreamApiError) return error.status === 503;
  return ["JetStreamNotEnabled", "TimeoutError", "NoResponders", "RequestError"].includes(error.name);
}

function unanswered(subject: string, cause: unknown): UnreachableError {
  return new UnreachableError(
    `nothing stores ${subject}: no orchestrator has made the streams yet (start one with \`batuta run\`), or the server is down`,
    { cause },
  );
}
