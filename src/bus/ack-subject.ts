/** What a JetStream ack subject tells about the message it acks. */
export interface AckInfo {
  readonly stream: string;
  readonly consumer: string;
  /** 1 for the first delivery. */
  readonly deliveryCount: number;
  readonly streamSequence: number;
  /** When the stream stored the message, epoch milliseconds. */
  readonly storedAt: number;
  /** Messages of the consumer behind this one. */
  readonly pending: number;
}

/**
 * Reads both forms (ADR-15): `$JS.ACK.<stream>.<consumer>.<delivered>.<seq>.<cseq>.<ns>.<pending>` and
 * `$JS.ACK.<domain>.<account>.<stream>…` of newer servers. Undefined for anything else.
 */
export function parseAckSubject(subject: string): AckInfo | undefined {
  const tokens = subject.split(".");
  if (tokens[0] !== "$JS" || tokens[1] !== "ACK" || tokens.length < 9) return undefined;
  const first = tokens.length === 9 ? 2 : 4;
  const [stream, consumer, delivered, sequence, , nanoseconds, pending] = tokens.slice(first);
  if (nanoseconds === undefined || pending === undefined) return undefined;
  return {
    stream: stream as string,
    consumer: consumer as string,
    deliveryCount: Number(delivered),
    streamSequence: Number(sequence),
    // Nanoseconds exceed what a double holds exactly; the last six digits are cut off as text.
    storedAt: Number(nanoseconds.slice(0, -6)),
    pending: Number(pending),
  };
}
