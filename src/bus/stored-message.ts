import { JetStreamApiError, type MsgRequest, type StoredMsg } from "@nats-io/jetstream";
import type { Bus } from "./connect.ts";

/** The first message of a subject from a sequence on; the client's types do not know it. */
interface NextOf {
  readonly seq: number;
  readonly next_by_subj: string;
}

/** One message of a stream, undefined when it is not there (any more). */
export async function storedMessage(
  bus: Pick<Bus, "jsm">,
  stream: string,
  which: MsgRequest | NextOf,
): Promise<StoredMsg | undefined> {
  try {
    return (await bus.jsm.streams.getMessage(stream, which)) ?? undefined;
  } catch (error) {
    if (error instanceof JetStreamApiError && error.status === 404) return undefined;
    throw error;
  }
}

/**
 * Deletes exactly this message of a stream. True when this call did it, false when it was gone: a
 * later message of the same subject is never touched.
 */
export async function deleteStored(
  bus: Pick<Bus, "jsm">,
  stream: string,
  sequence: number,
): Promise<boolean> {
  try {
    return await bus.jsm.streams.deleteMessage(stream, sequence, false);
  } catch (error) {
    // Servers have answered this with several codes over the years: whether it is gone is looked up.
    if (!(error instanceof JetStreamApiError)) throw error;
    if ((await storedMessage(bus, stream, { seq: sequence })) !== undefined) throw error;
    return false;
  }
}
