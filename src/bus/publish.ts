import { BatutaError, LaneFullError, UnreachableError } from "../domain/errors.ts";
import type { Bus } from "./connect.ts";
import { headerBlock, soundHeaders } from "./outbox.ts";
import { type PubAck, type PubRefusal, refusalOf } from "./pub-ack.ts";

export type HeaderLines = readonly (readonly [name: string, value: string])[];

/** A leader election of a three-node cluster took 6.9 s when measured (research/nats.md 3.8). */
const PATIENCE_MS = 15_000;
const ATTEMPT_MS = 5_000;
const RETRY_MS = 200;

/**
 * Publishes into a stream; resolves once the message is stored. Tried again with the same message
 * id while the bus does not answer, so `headers` should carry one.
 *
 * @throws LaneFullError when the stream is at its limit.
 * @throws UnreachableError when the bus has not answered for 15 s, or no stream takes the subject.
 * @throws PublishRefusedError when the stream does not take this message, however often it is sent.
 */
export async function publishStored(
  bus: Pick<Bus, "mux">,
  subject: string,
  data: Uint8Array | string,
  headers: HeaderLines = [],
  patienceMs = PATIENCE_MS,
): Promise<PubAck> {
  const block = headers.length === 0 ? "" : headerBlock(soundHeaders(headers));
  const giveUpAt = Date.now() + patienceMs;
  for (;;) {
    const answer = await publishOnce(bus, subject, data, block);
    if (!("type" in answer)) return answer;
    if (answer.type === "full") {
      throw new LaneFullError(`${subject} is full (${answer.description}); try again later`);
    }
    if (answer.type === "refused") throw refusedError(subject, answer);
    if (Date.now() >= giveUpAt) throw unanswered(subject);
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

/** The stream does not take this message. */
class PublishRefusedError extends BatutaError {
  override readonly name = "PublishRefusedError";
  readonly code = "PUBLISH_REFUSED";
  readonly retryable = false;
}

function publishOnce(
  bus: Pick<Bus, "mux">,
  subject: string,
  data: Uint8Array | string,
  headers: string,
): Promise<PubAck | PubRefusal> {
  return new Promise((resolve) => {
    bus.mux.send(subject, data, { headers, timeoutMs: ATTEMPT_MS }, (msg) => {
      resolve(refusalOf(msg) ?? (msg?.json<PubAck>() as PubAck));
    });
  });
}

function refusedError(
  subject: string,
  refusal: Extract<PubRefusal, { type: "full" | "refused" }>,
): BatutaError {
  const { errorCode, description } = refusal;
  return new PublishRefusedError(`${subject} was refused: ${description} (${errorCode})`);
}

function unanswered(subject: string): UnreachableError {
  return new UnreachableError(
    `nothing stores ${subject}: no orchestrator has made the streams yet (start one with \`batuta run\`), or the server is down`,
  );
}
