import type { Bus } from "../../src/bus/connect.ts";
import type { Lane } from "../../src/domain/lane.ts";
import { DISPATCH_CONSUMER } from "../../src/messages/subjects.ts";

/**
 * Makes orphans of what waits in a lane, `count` messages: the consumer delivers them once, is not
 * allowed to deliver them again, and forgets them, while they stay in the stream. Needs a short
 * ack_wait, and that nobody else takes from the lane.
 */
export async function makeOrphans(bus: Bus, lane: Lane, count: number): Promise<void> {
  const stream = bus.names.streams.flows[lane];
  const { jsm, js } = bus;
  await jsm.consumers.update(stream, DISPATCH_CONSUMER, { max_deliver: 1 });
  const consumer = await js.consumers.get(stream, DISPATCH_CONSUMER);
  for (let left = count; left > 0; ) {
    for await (const _ of await consumer.fetch({ max_messages: left, expires: 1_000 })) left -= 1;
  }
  for (;;) {
    // Only a request for more makes the server notice that it may not deliver these again.
    for await (const _ of await consumer.fetch({ max_messages: 1, expires: 1_000 }));
    const { num_pending, num_ack_pending } = await jsm.consumers.info(stream, DISPATCH_CONSUMER);
    if (num_pending + num_ack_pending === 0) break;
  }
  await jsm.consumers.update(stream, DISPATCH_CONSUMER, { max_deliver: -1 });
}
