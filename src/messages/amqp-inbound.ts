import type { Lane } from "../domain/lane.ts";
import { flowPattern, type NestEnvelope, nestEnvelopeOf } from "./amqp-envelope.ts";
import { amqpHeaders } from "./amqp-properties.ts";
import { parseJson } from "./codec.ts";
import { type ExecuteMessage, executeMessage } from "./execute.ts";

/** A message as it came over AMQP, whatever library brought it. */
export interface AmqpDelivery {
  /** Of the queue that it came from: a routing key leads to one queue, and so does its name. */
  readonly lane: Lane;
  readonly body: Uint8Array;
  readonly properties: AmqpProperties;
}

export interface AmqpProperties {
  readonly messageId?: string | undefined;
  readonly correlationId?: string | undefined;
  readonly replyTo?: string | undefined;
  readonly contentType?: string | undefined;
  /** Milliseconds, as text. */
  readonly expiration?: string | undefined;
  /** Seconds since 1970. */
  readonly timestamp?: number | undefined;
  readonly appId?: string | undefined;
  readonly type?: string | undefined;
  readonly headers?: Readonly<Record<string, unknown>> | undefined;
}

export const AMQP_DEAD_REASONS = [
  "invalid_json",
  "schema",
  "unknown_pattern",
  "unsupported_content_type",
  "too_large",
  "expired",
  "refused",
] as const;
export type AmqpDeadReason = (typeof AMQP_DEAD_REASONS)[number];

/** Where the result of a flow is to go, and how it is to be recognised there. */
export interface AmqpReply {
  readonly to: string;
  readonly correlationId: string | undefined;
}

/** A request of NestJS, which is answered as soon as the flow is accepted. */
export interface AmqpRequest extends AmqpReply {
  readonly id: string;
}

export type Inbound =
  | {
      readonly type: "flow";
      readonly lane: Lane;
      /** The bytes that came, unless they had to be unwrapped. */
      readonly body: Uint8Array;
      readonly headers: readonly (readonly [name: string, value: string])[];
      /** Undefined: its publisher gave none, and it is numbered when it is stored. */
      readonly executionId: string | undefined;
      readonly reply: AmqpReply | undefined;
      readonly request: AmqpRequest | undefined;
    }
  | {
      readonly type: "dead";
      readonly reason: AmqpDeadReason;
      readonly error: string;
      readonly request: AmqpRequest | undefined;
    };

/** What becomes of a delivery (contract B9; research/amqp.md 1.3, 1.4). `now` is epoch ms. */
export function readFlow(
  delivery: AmqpDelivery,
  { now, maxBytes }: { readonly now: number; readonly maxBytes: number },
): Inbound {
  const { body, properties } = delivery;
  const dead = (reason: AmqpDeadReason, error: string, request?: AmqpRequest): Inbound => ({
    type: "dead",
    reason,
    error,
    request,
  });
  if (!isJson(properties.contentType))
    return dead("unsupported_content_type", `${properties.contentType} is not application/json`);
  if (body.length > maxBytes)
    return dead("too_large", `${body.length} bytes; ${maxBytes} are the most that NATS takes here`);
  let value: unknown;
  try {
    value = parseJson(body, "flow");
  } catch (error) {
    return dead("invalid_json", (error as Error).message);
  }
  const deadline = deadlineOf(properties, now);
  if (deadline !== undefined && deadline <= now)
    return dead("expired", `its expiration was over ${now - deadline} ms ago`);
  // A flow may have a field of that name: what is a flow as it is comes before what may wrap one.
  if (executeMessage.problems(value).length === 0)
    return flow(delivery, { message: value as ExecuteMessage, envelope: undefined, deadline });
  const envelope = nestEnvelopeOf(value);
  if (envelope === undefined) return dead("schema", problemsOf(value));
  const request = requestOf(envelope, properties);
  if (flowPattern(envelope.pattern) === undefined)
    return dead("unknown_pattern", `nobody knows the pattern ${envelope.pattern}`, request);
  if (executeMessage.problems(envelope.data).length > 0)
    return dead("schema", problemsOf(envelope.data), request);
  return flow(delivery, { message: envelope.data as ExecuteMessage, envelope, deadline });
}

interface Read {
  readonly message: ExecuteMessage;
  readonly envelope: NestEnvelope | undefined;
  readonly deadline: number | undefined;
}

function flow(delivery: AmqpDelivery, { message, envelope, deadline }: Read): Inbound {
  const { properties } = delivery;
  const { replyTo: to, correlationId } = properties;
  const request = envelope && requestOf(envelope, properties);
  const text = envelope && JSON.stringify(message);
  return {
    type: "flow",
    lane: (envelope && flowPattern(envelope.pattern)?.lane) ?? delivery.lane,
    body: text === undefined ? delivery.body : new TextEncoder().encode(text),
    headers: amqpHeaders(properties, message.executionId, deadline),
    executionId: message.executionId,
    // A request has had its answer; whoever waits for the result names a queue that outlives the call.
    reply: to === undefined || request !== undefined ? undefined : { to, correlationId },
    request,
  };
}

function requestOf(envelope: NestEnvelope, properties: AmqpProperties): AmqpRequest | undefined {
  const { replyTo: to, correlationId } = properties;
  return envelope.id === undefined || to === undefined
    ? undefined
    : { id: envelope.id, to, correlationId };
}

/** Absent counts as JSON: NestJS sends none. */
function isJson(contentType: string | undefined): boolean {
  return contentType === undefined || /^application\/json\s*(;|$)/i.test(contentType);
}

/** Counted from when it was sent, where that is told. */
function deadlineOf({ expiration, timestamp }: AmqpProperties, now: number): number | undefined {
  const ms = expiration === undefined || expiration === "" ? Number.NaN : Number(expiration);
  if (!Number.isFinite(ms) || ms < 0) return undefined;
  const sentAt = timestamp === undefined ? now : timestamp * 1_000;
  return Math.min(sentAt, now) + ms;
}

function problemsOf(value: unknown): string {
  const problems = executeMessage.problems(value);
  return problems.map(({ pointer, detail }) => `${pointer} ${detail}`.trim()).join("; ");
}
