import type { Lane } from "../domain/lane.ts";
import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import { nak } from "./ack.ts";
import type { Bus } from "./connect.ts";
import { storedMessage } from "./stored-message.ts";

export interface UnheldOptions {
  /** Messages up to this stream sequence are left alone; 0 for none. */
  readonly after: number;
  /** Whether somebody has the message of that stream sequence. */
  readonly isHeld: (streamSequence: number) => boolean;
  /** How many messages are looked up at most; 1,000 by default. */
  readonly limit?: number;
}

/** A message that was delivered and never acked, and that nobody holds. */
export interface Unheld {
  readonly streamSequence: number;
  /** The last that the consumer had given out when it was looked for. */
  readonly consumerSequence: number;
}

const DEFAULT_LIMIT = 1_000;

/**
 * What was delivered from a lane and never acked, and is held by nobody, in order: what a killed process
 * had in its socket and never read. Each look costs a round trip.
 */
export async function findUnheld(
  bus: Pick<Bus, "jsm" | "names">,
  lane: Lane,
  { after, isHeld, limit = DEFAULT_LIMIT }: UnheldOptions,
): Promise<Unheld[]> {
  const stream = bus.names.streams.flows[lane];
  const { ack_floor, delivered } = await bus.jsm.consumers.info(stream, DISPATCH_CONSUMER);
  const consumerSequence = delivered.consumer_seq;
  const unheld: Unheld[] = [];
  let next = Math.max(after, ack_floor.stream_seq) + 1;
  for (let looked = 0; looked < limit; looked += 1) {
    while (next <= delivered.stream_seq && isHeld(next)) next += 1;
    if (next > delivered.stream_seq) break;
    const found = await sequenceFrom(bus, lane, next);
    if (found === undefined || found > delivered.stream_seq) break;
    next = found + 1;
    if (!isHeld(found)) unheld.push({ streamSequence: found, consumerSequence });
  }
  return unheld;
}

/**
 * Gives such messages back to their lane: they are redelivered at once rather than after ack_wait. The
 * server ignores this for one that was acked in the meantime, and for one that waits there already. One
 * that is on its way to a live process is delivered twice. One that waits out the delay of a NAK comes
 * back early, which is harmless: whoever gets it looks again whether it is due.
 */
export function handBack(
  bus: Pick<Bus, "names" | "outbox">,
  lane: Lane,
  unheld: readonly Unheld[],
): void {
  const stream = bus.names.streams.flows[lane];
  for (const each of unheld) nak(bus, ackSubjectFor(stream, each));
}

/** The sequence of the first message of a lane from `sequence` on, undefined when there is none. */
async function sequenceFrom(
  bus: Pick<Bus, "jsm" | "names">,
  lane: Lane,
  sequence: number,
): Promise<number | undefined> {
  const query = { seq: sequence, next_by_subj: bus.names.execute(lane) };
  return (await storedMessage(bus, bus.names.streams.flows[lane], query))?.seq;
}

/**
 * An ack subject for a message whose own was never seen. The server finds the message by its stream
 * sequence; of the consumer sequence it only checks that it lies above the ack floor and was given
 * out, as the last one does for as long as anything is pending. The rest only goes into advisories.
 */
function ackSubjectFor(stream: string, { streamSequence, consumerSequence }: Unheld): string {
  const [deliveryCount, nanoseconds, pending] = [1, 0, 0];
  return `$JS.ACK.${stream}.${DISPATCH_CONSUMER}.${deliveryCount}.${streamSequence}.${consumerSequence}.${nanoseconds}.${pending}`;
}
