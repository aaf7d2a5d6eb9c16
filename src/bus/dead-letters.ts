import { Objm } from "@nats-io/obj";
import type { Lane } from "../domain/lane.ts";
import type { DeadLetter, OriginalMessage } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import type { LaneMessage } from "./intake.ts";
import { publishStored } from "./publish.ts";
import { lastBySubject } from "./results.ts";

const encoder = new TextEncoder();
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Stores a dead letter; resolves once it is durable. Its message id makes a second one within the
 * dedupe window the same one.
 */
export async function storeDeadLetter(bus: Bus, letter: DeadLetter): Promise<void> {
  const body = await fitted(bus, letter);
  const own = Object.entries(letter.message.headers)
    .filter(([name]) => !name.toLowerCase().startsWith("nats-"))
    .flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
  await publishStored(bus, bus.names.dead(letter.lane, letter.executionId), body, [
    ...own,
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
export function originalMessage(message: LaneMessage): OriginalMessage {
  const { msg } = message;
  const head: Record<string, readonly string[]> = {};
  for (const name of msg.headers?.keys() ?? []) head[name] = msg.headers?.values(name) ?? [];
  return {
    subject: msg.subject,
    stream: message.stream,
    sequence: message.sequence,
    publishedAt: new Date(message.storedAt).toISOString(),
    headers: head,
    bytes: msg.data.length,
    ...bodyOf(msg.data),
  };
}

function bodyOf(data: Uint8Array): Pick<OriginalMessage, "data" | "dataBase64"> {
  try {
    return { data: JSON.parse(utf8.decode(data)) as unknown };
  } catch {
    // Not JSON, which is often the very reason why it is here: its bytes are kept as they came.
    return { dataBase64: Buffer.from(data).toString("base64") };
  }
}

/** A letter too large for one message keeps its original in the object store and names it. */
async function fitted(bus: Bus, letter: DeadLetter): Promise<Uint8Array> {
  const whole = encoder.encode(JSON.stringify(letter));
  const roomForHeaders = 8_192;
  if (whole.length + roomForHeaders <= bus.maxPayloadBytes) return whole;
  const { data, dataBase64, ...rest } = letter.message;
  const bytes =
    dataBase64 === undefined
      ? encoder.encode(JSON.stringify(data))
      : new Uint8Array(Buffer.from(dataBase64, "base64"));
  const blob = `dead-${letter.message.stream}-${letter.message.sequence}`;
  const store = await new Objm(bus.js).create(bus.names.blobs);
  await store.putBlob({ name: blob }, bytes);
  return encoder.encode(JSON.stringify({ ...letter, message: { ...rest, blob } }));
}
