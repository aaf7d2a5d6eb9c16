import type { Lane } from "../domain/lane.ts";
import { refuseDeepJson } from "../messages/json-depth.ts";
import type { DeadLetter, OriginalMessage } from "../messages/result.ts";
import { type BusNames, HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import type { LaneMessage } from "./intake.ts";
import { publishStored } from "./publish.ts";
import { lastBySubject } from "./results.ts";

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true });
/** More than this of the publisher's headers is in the letter only, not on the message as well. */
const MAX_HEADER_CHARS = 4_096;
const ROOM_FOR_HEADERS = 8_192;

/**
 * Stores a dead letter; resolves once it is durable. Its message id makes a second one within the
 * dedupe window the same one.
 */
export async function storeDeadLetter(bus: Bus, letter: DeadLetter): Promise<void> {
  const body = await fitted(bus, letter);
  const own = Object.entries(letter.message.headers)
    .filter(([name]) => !name.toLowerCase().startsWith("nats-"))
    .flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
  const isSmall = JSON.stringify(own).length <= MAX_HEADER_CHARS;
  await publishStored(bus, bus.names.dead(letter.lane, letter.executionId), body, [
    ...(isSmall ? own : []),
    [HEADERS.reason, letter.reason],
    [HEADERS.execution, letter.executionId],
    [HEADERS.messageId, `dead-${letter.message.stream}-${letter.message.sequence}`],
  ]);
}

/** The newest dead letter of an execution, undefined when it has none. */
export function findDeadLetter(
  bus: Bus,
  lane: Lane,
  executionId: string,
): Promise<DeadLetter | undefined> {
  return lastBySubject(bus.jsm, bus.names.streams.dead, bus.names.dead(lane, executionId));
}

/** The message as published, for a dead letter: as JSON if it was JSON, else as base64. */
export function originalMessage(names: BusNames, message: LaneMessage): OriginalMessage {
  const head: Record<string, string[]> = {};
  for (const [name, value] of message.headers ?? []) head[name] = [...(head[name] ?? []), value];
  return {
    subject: names.execute(message.lane),
    stream: message.stream,
    sequence: message.sequence,
    publishedAt: new Date(message.storedAt).toISOString(),
    headers: head,
    bytes: message.data.length,
    ...bodyOf(message.data),
  };
}

function bodyOf(data: Uint8Array): Pick<OriginalMessage, "data" | "dataBase64"> {
  try {
    refuseDeepJson(data);
    return { data: JSON.parse(utf8.decode(data)) as unknown };
  } catch {
    // Not JSON, or JSON that could not be written again, which is often the very reason why it is here: its bytes are kept as they came.
    return { dataBase64: Buffer.from(data).toString("base64") };
  }
}

/**
 * A letter too large for one message keeps its original, `{headers, data | dataBase64}`, in the
 * object store and names it.
 */
async function fitted(bus: Bus, letter: DeadLetter): Promise<Uint8Array> {
  const whole = encoder.encode(JSON.stringify(letter));
  if (whole.length + ROOM_FOR_HEADERS <= bus.maxPayloadBytes) return whole;
  const { data, dataBase64, headers, ...rest } = letter.message;
  const original = encoder.encode(JSON.stringify({ headers, data, dataBase64 }));
  const blob = `dead-${letter.message.stream}-${letter.message.sequence}`;
  // Rare, and not worth loading at every start.
  const { Objm } = await import("@nats-io/obj");
  const store = await new Objm(bus.js).create(bus.names.blobs);
  await store.putBlob({ name: blob }, original);
  return encoder.encode(JSON.stringify({ ...letter, message: { ...rest, headers: {}, blob } }));
}
