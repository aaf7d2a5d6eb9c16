import { AckPolicy, type ConsumerMessages, DeliverPolicy } from "@nats-io/jetstream";
import type { Bus } from "./connect.ts";

const ACK_WAIT_NS = 30_000_000_000;
/** At least three times what one process has under way: a killed one would hold up the others. */
const MAX_ACK_PENDING = 3_000;
const AT_ONCE = 500;

/**
 * What comes into a stream from the first time on that `durable` is asked for, shared by all processes that
 * ask for it. What is not acknowledged comes again after 30 s. It ends where stream or consumer are gone.
 *
 * @throws an error of JetStream where there is no such stream yet.
 */
export async function feedOf(bus: Bus, stream: string, durable: string): Promise<ConsumerMessages> {
  await bus.jsm.consumers.add(stream, {
    durable_name: durable,
    ack_policy: AckPolicy.Explicit,
    deliver_policy: DeliverPolicy.New,
    ack_wait: ACK_WAIT_NS,
    max_ack_pending: MAX_ACK_PENDING,
  });
  const consumer = await bus.js.consumers.get(stream, durable);
  return consumer.consume({ max_messages: AT_ONCE, abort_on_missing_resource: true });
}
