/** How a lane stands: what its stream holds and, asked after that, what its consumer knows of. */
export interface LaneLevel {
  readonly messages: number;
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Not delivered yet. */
  readonly pending: number;
  /** Delivered and not acked. */
  readonly ackPending: number;
  /** The consumer has done with everything up to this sequence. */
  readonly ackFloor: number;
}

/**
 * The last sequence that a message may have which no consumer will ever deliver again: everything
 * while the consumer waits for nothing, else what lies below its ack floor. 0 when there is none. A
 * message may be there for a moment only: it was acked and is about to leave.
 */
export function orphansUpTo(level: LaneLevel): number {
  const { messages, firstSequence, lastSequence, pending, ackPending, ackFloor } = level;
  if (messages === 0) return 0;
  const isIdle = pending === 0 && ackPending === 0;
  const last = isIdle ? lastSequence : Math.min(ackFloor, lastSequence);
  return last < firstSequence ? 0 : last;
}

/** What is known of a message that may be an orphan. Times are epoch milliseconds. */
export interface OrphanSighting {
  readonly storedAt: number;
  readonly now: number;
  /** A younger message may be on its way to the consumer, or from it. */
  readonly safeAgeMs: number;
  /** The look before this one found it as well. */
  readonly seenBefore: boolean;
  /** An orchestrator has it in its books. */
  readonly held: boolean;
  /** Its execution has a terminal record. */
  readonly ended: boolean;
}

export type OrphanVerdict =
  | { readonly type: "leave"; readonly because: "held" | "young" | "new" }
  /** It is only left over: an old server was seen to bring acked messages back after a crash. */
  | { readonly type: "remove" }
  | { readonly type: "putBack" };

/**
 * What becomes of a message that no consumer will deliver. A mistake is harmless: the terminal
 * record is stored once, so that what is put back for nothing runs for nothing.
 */
export function judgeOrphan(sighting: OrphanSighting): OrphanVerdict {
  const { storedAt, now, safeAgeMs, seenBefore, held, ended } = sighting;
  if (held) return { type: "leave", because: "held" };
  if (now - storedAt < safeAgeMs) return { type: "leave", because: "young" };
  if (!seenBefore) return { type: "leave", because: "new" };
  return ended ? { type: "remove" } : { type: "putBack" };
}

/**
 * The message id under which a message is put back for the `times`-th time: `<id>-r<times>`. Its own
 * id would be a duplicate to the stream.
 */
export function putBackId(messageId: string, times: number): string {
  const before = `-r${times - 1}`;
  const isOurs = times > 1 && messageId.endsWith(before);
  return `${isOurs ? messageId.slice(0, -before.length) : messageId}-r${times}`;
}
