import type { ActorRecord } from "./inspection.ts";

/**
 * Whether `record` tells more than what is known of the same actor.
 *
 * Within one life the order of its node counts, since a clock can be set back. What the bucket holds
 * has no place in that order (0), and neither have two lives: there the time decides.
 */
export function isNewer(record: ActorRecord, known: ActorRecord): boolean {
  const isOneLife = record.incarnation === known.incarnation;
  if (isOneLife && record.seq > 0 && known.seq > 0) return record.seq > known.seq;
  if (record.at !== known.at) return record.at > known.at;
  return !isOneLife || record.seq > known.seq;
}

/** The record with the context and the timers that were told last, where it has none of its own. */
export function withContext(record: ActorRecord, known: ActorRecord | undefined): ActorRecord {
  if (record.context !== undefined || known?.incarnation !== record.incarnation) return record;
  return { ...record, context: known.context, timers: known.timers };
}

/** Whether nothing more is to come of it. */
export function isOver({ kind, status }: ActorRecord): boolean {
  return kind === "end" || status === "done" || status === "stopped";
}
