import type { StoredMsg } from "@nats-io/jetstream";
import { executionIdOf, isId } from "../domain/ids.ts";
import type { Lane } from "../domain/lane.ts";
import { orphansUpTo, putBackId } from "../domain/orphans.ts";
import { refuseDeepJson } from "../messages/json-depth.ts";
import { DISPATCH_CONSUMER, HEADERS } from "../messages/subjects.ts";
import type { Bus } from "./connect.ts";
import { headersOf } from "./foreign.ts";
import { type HeaderLines, publishStored } from "./publish.ts";
import { deleteStored, storedMessage } from "./stored-message.ts";

type LaneBus = Pick<Bus, "jsm" | "names">;

/** A message that is in its lane and that the lane's consumer will not deliver. */
export interface Orphan {
  readonly lane: Lane;
  readonly sequence: number;
  /** Epoch milliseconds. */
  readonly storedAt: number;
  readonly executionId: string;
  readonly data: Uint8Array;
  readonly headers: HeaderLines;
}

/** The messages of a lane, the oldest first and at most `limit`, that its consumer has done with. */
export async function findOrphans(bus: LaneBus, lane: Lane, limit: number): Promise<Orphan[]> {
  const stream = bus.names.streams.flows[lane];
  const upTo = await lastOrphan(bus, stream);
  const found: Orphan[] = [];
  for (let next = 1; next <= upTo && found.length < limit; ) {
    const query = { seq: next, next_by_subj: bus.names.execute(lane) };
    const stored = await storedMessage(bus, stream, query);
    if (stored === undefined || stored.seq > upTo) break;
    found.push(orphanOf(lane, stream, stored));
    next = stored.seq + 1;
  }
  return found;
}

/** The stream is asked first: what comes in between the two is then not taken for an orphan. */
async function lastOrphan(bus: LaneBus, stream: string): Promise<number> {
  const { state } = await bus.jsm.streams.info(stream);
  const consumer = await bus.jsm.consumers.info(stream, DISPATCH_CONSUMER);
  return orphansUpTo({
    messages: state.messages,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    pending: consumer.num_pending,
    ackPending: consumer.num_ack_pending,
    ackFloor: consumer.ack_floor.stream_seq,
  });
}

function orphanOf(lane: Lane, stream: string, stored: StoredMsg): Orphan {
  const { seq: sequence, data } = stored;
  const { executionId } = objectIn(data) ?? {};
  return {
    lane,
    sequence,
    storedAt: stored.time.getTime(),
    executionId: isId(executionId) ? executionId : executionIdOf(stream, sequence),
    data,
    headers: headersOf({ headers: stored.header }) ?? [],
  };
}

/** Undefined for what is no JSON object, or is one that could not be written again. */
function objectIn(data: Uint8Array): Record<string, unknown> | undefined {
  try {
    refuseDeepJson(data);
    const body: unknown = JSON.parse(new TextDecoder().decode(data));
    const isObject = typeof body === "object" && body !== null && !Array.isArray(body);
    return isObject ? (body as Record<string, unknown>) : undefined;
  } catch {
    // It is put back as it came, and will be refused with a dead letter.
    return undefined;
  }
}

/**
 * Publishes an orphan again, as the same execution, and then takes the orphan out of its lane. Dying
 * in between leaves both, of which one ends. False when the stream takes the new message for one that
 * it has had within its dedupe window: then nothing is taken out, since whether that one was this
 * execution shows by its terminal record.
 *
 * @throws LaneFullError, UnreachableError; the orphan is still there.
 */
export async function putBack(bus: Bus, orphan: Orphan): Promise<boolean> {
  const { lane, sequence } = orphan;
  const { headers, body } = putBackMessage(bus.names.streams.flows[lane], orphan);
  const { duplicate = false } = await publishStored(bus, bus.names.execute(lane), body, headers);
  if (duplicate) return false;
  await removeOrphan(bus, { lane, sequence });
  return true;
}

/** Takes an orphan out of its lane. False when it was gone. */
export function removeOrphan(
  bus: LaneBus,
  { lane, sequence }: Pick<Orphan, "lane" | "sequence">,
): Promise<boolean> {
  return deleteStored(bus, bus.names.streams.flows[lane], sequence);
}

/** The message and headers as published, but for the message id, which names how often it was put back. */
function putBackMessage(
  stream: string,
  orphan: Pick<Orphan, "sequence" | "executionId" | "data" | "headers">,
): { readonly headers: HeaderLines; readonly body: Uint8Array } {
  const { executionId, data, headers } = orphan;
  const headerOf = (wanted: string) =>
    headers.find(([name]) => name.toLowerCase() === wanted.toLowerCase())?.[1];
  const times = (Number(headerOf(HEADERS.putBack)) || 0) + 1;
  const oldId = headerOf(HEADERS.messageId) ?? executionIdOf(stream, orphan.sequence);
  const own = headers.filter(([name]) => !/^(nats-|batuta-put-back$)/i.test(name));
  const ours = [
    [HEADERS.putBack, String(times)],
    [HEADERS.messageId, putBackId(oldId, times)],
  ] as const;
  return { headers: [...own, ...ours], body: named(data, executionId) };
}

/** One that had no executionId was named after its place, which it is about to leave. */
function named(data: Uint8Array, executionId: string): Uint8Array {
  const body = objectIn(data);
  if (body === undefined || isId(body.executionId)) return data;
  return new TextEncoder().encode(JSON.stringify({ ...body, executionId }));
}
