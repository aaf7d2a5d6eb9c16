import type { AmqpProperties } from "./amqp-inbound.ts";
import { HEADERS } from "./subjects.ts";

type Header = readonly [name: string, value: string];

/** All of them together: what is beyond is left out, since the server takes only so much with a message. */
const MAX_HEADER_CHARS = 12_000;
/** Kept as they are, for those who follow a trace. */
const TRACE = ["traceparent", "tracestate"];
const MESSAGE_ID = "x-message-id";
/** What a broker writes on a message that it has put into another queue: a list of tables, the last death first. */
const DEATH = "x-death";

/** The properties of an AMQP message as headers of NATS (research/amqp.md 1.3). */
export function amqpHeaders(
  properties: AmqpProperties,
  executionId: string | undefined,
  deadline?: number,
): readonly Header[] {
  const { type, contentType, correlationId, replyTo, timestamp, appId, headers = {} } = properties;
  const wanted: (readonly [string, unknown])[] = [
    [HEADERS.messageId, messageIdOf(properties) ?? executionId],
    [HEADERS.deadline, deadline],
    ["Content-Type", contentType],
    ["Batuta-Type", type],
    ["Amqp-Correlation-Id", correlationId],
    ["Amqp-Reply-To", replyTo],
    ["Amqp-Timestamp", timestamp],
    ["Amqp-App-Id", appId],
    ...deathOf(headers[DEATH]),
    ...TRACE.map((name) => [name, headers[name]] as const),
    ...Object.entries(headers)
      .filter(([name]) => !TRACE.includes(name) && name !== MESSAGE_ID)
      .map(([name, value]) => [`Amqp-H-${encodedName(name)}`, value] as const),
  ];
  return withinLimit(
    wanted.flatMap(([name, value]): Header[] =>
      isScalar(value) && value !== "" ? [[name, encoded(String(value))]] : [],
    ),
  );
}

/** What the message is known by, so that it is stored once: amqp-publish can set a header only. */
function messageIdOf({ messageId, headers = {} }: AmqpProperties): string | undefined {
  if (messageId !== undefined && messageId !== "") return messageId;
  const header = headers[MESSAGE_ID];
  return typeof header === "string" && header !== "" ? header : undefined;
}

/** Why it was dead once, where and how often. */
function deathOf(deaths: unknown): (readonly [string, unknown])[] {
  const [last] = Array.isArray(deaths) ? deaths : [];
  if (typeof last !== "object" || last === null) return [];
  const { reason, queue, count } = last as Readonly<Record<string, unknown>>;
  return [
    ["Batuta-Death-Reason", reason],
    ["Batuta-Death-Queue", queue],
    ["Batuta-Death-Count", count],
  ];
}

function isScalar(value: unknown): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** Printable ASCII as it is, all else and "%" in percents. */
function encoded(text: string): string {
  return text.replaceAll(/[^\x21-\x24\x26-\x7e ]/gu, (char) =>
    [...Buffer.from(char)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`)
      .join(""),
  );
}

/** In a name a colon or a space would end it. */
function encodedName(text: string): string {
  return encoded(text).replaceAll(" ", "%20").replaceAll(":", "%3A");
}

function withinLimit(headers: readonly Header[]): readonly Header[] {
  let left = MAX_HEADER_CHARS;
  return headers.filter(([name, value]) => {
    left -= name.length + value.length + 4;
    return left >= 0;
  });
}
