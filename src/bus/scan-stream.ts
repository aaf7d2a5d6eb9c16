import { AckPolicy, type ConsumerConfig, DeliverPolicy } from "@nats-io/jetstream";
import type { Bus } from "./connect.ts";

/** When the server forgets a reader that died. */
const READER_IDLE_NS = 30_000_000_000;
const BATCH_WAIT_MS = 5_000;

export interface Scan {
  readonly stream: string;
  /** One only: a 2.9 server knows no more of them. */
  readonly subject: string;
  /** The first that is wanted; default: all. */
  readonly from?: { readonly sequence: number } | { readonly time: number };
  /** How many are fetched at a time. */
  readonly batch: number;
}

export interface ScannedMessage {
  readonly seq: number;
  readonly data: Uint8Array;
}

/** What a stream holds, oldest first, as of now: what comes in meanwhile is left for the next scan. */
export async function* scanStream(bus: Bus, scan: Scan): AsyncGenerator<ScannedMessage> {
  const { jsm, js } = bus;
  const { stream, subject, batch } = scan;
  const { last_seq: newest } = (await jsm.streams.info(stream)).state;
  const reader = await jsm.consumers.add(stream, {
    ack_policy: AckPolicy.None,
    filter_subject: subject,
    inactive_threshold: READER_IDLE_NS,
    mem_storage: true,
    ...startOf(scan),
  });
  try {
    const consumer = js.consumers.getConsumerFromInfo(reader);
    let left = reader.num_pending;
    while (left > 0) {
      const fetch = { max_messages: Math.min(batch, left), expires: BATCH_WAIT_MS };
      left = 0;
      for await (const msg of await consumer.fetch(fetch)) {
        if (msg.seq > newest) return;
        left = msg.info.pending;
        yield msg;
      }
    }
  } finally {
    await jsm.consumers.delete(stream, reader.name);
  }
}

function startOf({ from }: Scan): Partial<ConsumerConfig> {
  if (from === undefined) return { deliver_policy: DeliverPolicy.All };
  if ("sequence" in from)
    return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
  const opt_start_time = new Date(from.time).toISOString();
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time };
}
