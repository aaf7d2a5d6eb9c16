/**
 * Why something that a worker sent was not believed.
 * - too_large: refused unread. malformed: not JSON, or not the message that it should be.
 * - wrong_subject: it names another worker than its subject does.
 * - known_incarnation: a registration that is not newer than the one that is there.
 * - too_many_registrations: faster than a fleet grows or a worker restarts; it may ask again.
 * - unknown_worker: a beat of a worker, or an incarnation, that has not registered here.
 * - older_incarnation: a beat of a process that another one has replaced.
 * - old_sequence: a beat that does not follow the last one.
 * - implausible_load: a report of more tasks than the worker has slots; the rest of it is heard.
 * - unstored: the registration was sound, but the bus did not take it.
 */
export type RefusalReason =
  | "too_large"
  | "malformed"
  | "wrong_subject"
  | "known_incarnation"
  | "too_many_registrations"
  | "unknown_worker"
  | "older_incarnation"
  | "old_sequence"
  | "implausible_load"
  | "unstored";

/** How one reason has been counted and told. */
export interface RefusalTally {
  readonly count: number;
  /** When it was told last; undefined before the first time. */
  readonly saidAt: number | undefined;
  /** How many have come since. */
  readonly unsaid: number;
}

export const NO_REFUSALS: RefusalTally = { count: 0, saidAt: undefined, unsaid: 0 };

/** A reason is told so often at the most, however often it happens. */
const SAY_EVERY_MS = 10_000;

/** The tally after one more, and whether it is told now. A flood is told as a number. */
export function withRefusal(
  tally: RefusalTally,
  now: number,
): { readonly tally: RefusalTally; readonly say: boolean } {
  const count = tally.count + 1;
  const say = tally.saidAt === undefined || now - tally.saidAt >= SAY_EVERY_MS;
  return say
    ? { tally: { count, saidAt: now, unsaid: 0 }, say }
    : { tally: { ...tally, count, unsaid: tally.unsaid + 1 }, say };
}

/** A beat and the worker that it claims to come from, as far as that is known. */
interface BeatOrder {
  readonly incarnation: string;
  readonly seq: number;
}

/**
 * Why a beat says nothing about a worker of which `known` is the registered incarnation and the last
 * sequence (-1 before the first). Undefined for the next one of that process.
 */
export function refusalOfBeat(
  beat: BeatOrder,
  known: BeatOrder | undefined,
): "unknown_worker" | "older_incarnation" | "old_sequence" | undefined {
  // Incarnations are ULIDs: they sort by time, as text.
  if (known === undefined || beat.incarnation > known.incarnation) return "unknown_worker";
  if (beat.incarnation < known.incarnation) return "older_incarnation";
  return beat.seq > known.seq ? undefined : "old_sequence";
}
