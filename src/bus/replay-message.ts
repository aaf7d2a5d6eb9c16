import type { DeadLetter } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";
import type { Original } from "./dead-letter-original.ts";
import type { HeaderLines } from "./publish.ts";

/** A dead letter as it goes back into its lane. */
export interface ReplayMessage {
  readonly body: Uint8Array;
  readonly headers: HeaderLines;
  /** Whether it runs under the executionId of the letter. What is no JSON object cannot carry one. */
  readonly keepsId: boolean;
  /** What an operator should know before it is sent. */
  readonly notes: readonly string[];
}

const encoder = new TextEncoder();

/**
 * The message that replays a letter. It runs under the executionId of the letter, also where the
 * publisher gave none or one that could not be used: that is the id which the operator knows, and
 * the message id makes a repeated replay the same message.
 */
export function replayMessage(
  letter: DeadLetter & { readonly sequence: number },
  original: Original,
  now: number,
): ReplayMessage {
  const { data } = original;
  const keepsId = isObject(data);
  return {
    body: bodyOf(letter, original),
    headers: [...ownHeaders(original), [HEADERS.messageId, `replay-${letter.sequence}`]],
    keepsId,
    notes: keepsId
      ? [...idNotes(letter, data), ...refusalNotes(letter, data, now)]
      : ["the message is no JSON object: it is sent as it came, and will be refused again"],
  };
}

function isObject(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

function bodyOf({ executionId }: DeadLetter, { data, dataBase64 }: Original): Uint8Array {
  if (isObject(data)) return encoder.encode(JSON.stringify({ ...data, executionId }));
  if (dataBase64 !== undefined) return Buffer.from(dataBase64, "base64");
  return encoder.encode(JSON.stringify(data));
}

/** The publisher's own: those of NATS and ours belonged to the way that the message took before. */
function ownHeaders({ headers }: Original): [string, string][] {
  return Object.entries(headers)
    .filter(([name]) => !/^(nats|batuta)-/i.test(name))
    .flatMap(([name, values]) => values.map((value): [string, string] => [name, value]));
}

function idNotes({ executionId }: DeadLetter, data: Record<string, unknown>): string[] {
  if (data.executionId === executionId) return [];
  const before =
    data.executionId === undefined
      ? "its publisher gave no executionId"
      : `its publisher gave the executionId ${JSON.stringify(data.executionId).slice(0, 80)}`;
  return [`it runs as ${executionId}: ${before}`];
}

function refusalNotes(letter: DeadLetter, data: Record<string, unknown>, now: number): string[] {
  const { deadline } = data;
  if (typeof deadline === "string" && Date.parse(deadline) <= now)
    return [`its deadline ${deadline} has passed: it will expire again`];
  if (letter.reason === "invalid" || letter.reason === "too_large")
    return [`it was refused as ${letter.reason}, and will be again unless the cause is gone`];
  return [];
}
