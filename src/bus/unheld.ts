import type { Lane } from "../domain/lane.ts";
import { DISPATCH_CONSUMER } from "../messages/subjects.ts";
import { nak } from "./ack.ts";
import type { Bus } from "./connect.ts";
import { storedMessage } from "./stored-message.ts";

export interface HandBackOptions {
  /** Messages up to this stream sequence are left alone; 0 for none. */
  readonly after: number;
  /** Whether somebody has the message of that stream sequence. Asked until just before its NAK. */
  readonly isHeld: (streamSequence: number) => boolean;
  /** How many messages are looked up at most; 1,000 by default. */
  readonly limit?: number;
}

type HandBackBus = Pick<Bus, "jsm" | "names" | "outbox">;

const DEFAULT_LIMIT = 1_000;

/**
 * Gives back to a lane what was delivered and never acked, and that nobody holds: what a killed
 * process had in its socket and never read. It is redelivered at once rather than after ack_wait.
 * Resolves with the stream sequences handed back, in order. Nothing that was not yet delivered when
 * this was called is touched.
 *
 * A message that is still on its way to a live process looks the same, unless `isHeld` says
 * otherwise: it is then delivered twice. The server ignores this for a message that was acked in the
 * meantime. One that waits out the delay of a NAK comes back early, which is harmless: whoever gets
 * it looks again whether it is due.
 */
export async function handBackUnheld(
  bus: HandBackBus,
  lane: Lane,
  options: HandBackOptions,
): Promise<number[]> {
  const stream = bus.names.streams.flows[lane];
  return walkUnheld(bus, lane, options, (sequence, consumerSequence) =>
    nak(bus, ackSubjectFor(stream, sequence, consumerSequence)),
  );
}

/** The sequences that `handBackUnheld` would hand back now. */
export function findUnheld(
  bus: HandBackBus,
  lane: Lane,
  options: HandBackOptions,
): Promise<number[]> {
  return walkUnheld(bus, lane, options, () => {});
}

async function walkUnheld(
  bus: HandBackBus,
  lane: Lane,
  { after, isHeld, limit = DEFAULT_LIMIT }: HandBackOptions,
  unheldAt: (streamSequence: number, consumerSequence: number) => void,
): Promise<number[]> {
  const stream = bus.names.streams.flows[lane];
  const { ack_floor, delivered } = await bus.jsm.consumers.info(stream, DISPATCH_CONSUMER);
  const unheld: number[] = [];
  let next = Math.max(after, ack_floor.stream_seq) + 1;
  for (let looked = 0; looked < limit; looked += 1) {
    // Each look costs a round trip; what is held need not be looked up.
    while (next <= delivered.stream_seq && isHeld(next)) next += 1;
    if (next > delivered.stream_seq) break;
    const found = await sequenceFrom(bus, lane, next);
    if (found === undefined || found > delivered.stream_seq) break;
    next = found + 1;
    if (isHeld(found)) continue;
    unheldAt(found, delivered.consumer_seq);
    unheld.push(found);
  }
  return unheld;
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
function ackSubjectFor(stream: string, streamSequence: number, consumerSequence: number): string {
  const [deliveryCount, nanoseconds, pending] = [1, 0, 0];
  return `$JS.ACK.${stream}.${DISPATCH_CONSUMER}.${deliveryCount}.${streamSequence}.${consumerSequence}.${nanoseconds}.${pending}`;
}
