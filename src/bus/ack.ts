import type { NatsConnection } from "nats";

const encoder = new TextEncoder();
const ACK = encoder.encode("+ACK");
const PROGRESS = encoder.encode("+WPI");
const NAK = encoder.encode("-NAK");

/** The message is done with. Only after its outcome is durable. */
export function ack(nc: NatsConnection, ackSubject: string): void {
  nc.publish(ackSubject, ACK);
}

/** The message is still being worked on: its ack_wait starts anew. */
export function extend(nc: NatsConnection, ackSubject: string): void {
  nc.publish(ackSubject, PROGRESS);
}

/** The message goes back into its lane, after `delayMs` if given. */
export function nak(nc: NatsConnection, ackSubject: string, delayMs = 0): void {
  const body =
    delayMs > 0 ? `-NAK {"delay": ${Math.round(delayMs) * 1_000_000}}` : NAK;
  nc.publish(ackSubject, body);
}
