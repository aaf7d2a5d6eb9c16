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

/** Whether nothing more is to come of it. */
export function isOver({ kind, status }: ActorRecord): boolean {
  return kind === "end" || status === "done" || status === "stopped";
}
