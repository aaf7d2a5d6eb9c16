import type { Bus } from "./connect.ts";

/** The message is done with. Only after its outcome is durable. */
export function ack(bus: Pick<Bus, "outbox">, ackSubject: string): void {
  bus.outbox.publish(ackSubject, "+ACK");
}

/** The message is still being worked on: its ack_wait starts anew. */
export function extend(bus: Pick<Bus, "outbox">, ackSubject: string): void {
  bus.outbox.publish(ackSubject, "+WPI");
}

/** A longer delay is cut to this; whoever gets the message then looks again whether it is due. */
const LONGEST_DELAY_MS = 3_600_000;

/** The message goes back into its lane, after `delayMs` if given. */
export function nak(bus: Pick<Bus, "outbox">, ackSubject: string, delayMs = 0): void {
  const nanoseconds = Math.round(Math.min(delayMs, LONGEST_DELAY_MS)) * 1_000_000;
  bus.outbox.publish(ackSubject, delayMs > 0 ? `-NAK {"delay": ${nanoseconds}}` : "-NAK");
}
