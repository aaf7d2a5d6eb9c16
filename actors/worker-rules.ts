import type { WorkerEvent } from "./worker-events.ts";
import type { WorkerContext } from "./worker-facts.ts";
import {
  CRITICAL,
  DEGRADED,
  DRAIN,
  IMPROVED,
  PROOF,
  QUARANTINE,
  RECOVERED,
  SILENCE,
} from "./worker-limits.ts";

/** What each guard of the worker machine asks: total functions of the facts, contract B5 row by row. */

/** registering -> healthy: 2 beats, and the loop that takes tasks answered; not in quarantine. */
export function isProven(facts: WorkerContext): boolean {
  const isFree = facts.now() >= facts.quarantineUntil;
  return isFree && facts.beats >= PROOF.beats && facts.pongAt !== undefined;
}

/** healthy -> degraded. */
export function isDegraded(facts: WorkerContext): boolean {
  return facts.late || facts.streaks.poor >= DEGRADED.beats || facts.verdict.says !== "healthy";
}

/** degraded -> healthy. */
export function isRecovered(facts: WorkerContext): boolean {
  const dwelled = facts.now() - facts.since >= RECOVERED.dwellMs;
  return dwelled && !facts.late && facts.streaks.good >= RECOVERED.beats;
}

/** healthy, degraded -> critical. */
export function isCritical(facts: WorkerContext): boolean {
  const { memoryCritical, says } = facts.verdict;
  return memoryCritical || says === "critical" || facts.streaks.sick >= CRITICAL.beats;
}

/** critical -> degraded: also needs a canary answered since it became critical. */
export function isImproved(facts: WorkerContext): boolean {
  const dwelled = facts.now() - facts.since >= IMPROVED.dwellMs;
  const answered = facts.pongAt !== undefined && facts.pongAt > facts.since;
  return dwelled && answered && !facts.late && facts.streaks.better >= IMPROVED.beats;
}

/** critical -> draining, by time. */
export function isIncurable(facts: WorkerContext): boolean {
  return !isFrozen(facts) && facts.now() - facts.since >= QUARANTINE.afterMs;
}

/** critical -> draining, by visits. */
export function isRelapsing(facts: WorkerContext): boolean {
  return facts.criticalVisits.length >= QUARANTINE.visits;
}

/** draining -> offline: nothing in flight, by its own word and by ours. */
export function isIdle(facts: WorkerContext): boolean {
  return facts.idleBeats >= DRAIN.idleBeats && facts.assigned === 0;
}

/** The supervisor doubts itself and passes no verdict. */
export function isFrozen(facts: WorkerContext): boolean {
  return facts.now() < facts.doubtUntil;
}

/** No beat for 2.5 intervals. */
export function isLate(facts: WorkerContext): boolean {
  return silentMs(facts) >= SILENCE.lateIntervals * intervalMs(facts);
}

/** Late, and no ping answered lately either: it gets nothing until it is heard again. */
export function isSuspect(facts: WorkerContext): boolean {
  return facts.late && !isReachable(facts);
}

/** No beat for 6 intervals, and unreachable. */
export function isLost(facts: WorkerContext): boolean {
  const isSilent = silentMs(facts) >= SILENCE.lostIntervals * intervalMs(facts);
  return isSilent && !isReachable(facts);
}

/** The time to prove itself is over. */
export function isUnproven(facts: WorkerContext): boolean {
  return facts.now() >= proofDeadline(facts);
}

/** A beat of this incarnation that is newer than the last one. */
export function isCurrentBeat(facts: WorkerContext, event: WorkerEvent): boolean {
  if (event.type !== "heartbeat") return false;
  return event.beat.incarnation === facts.incarnation && event.beat.seq > facts.seq;
}

/** The event is about another process of the same worker id. */
export function isForeign(facts: WorkerContext, event: WorkerEvent): boolean {
  const incarnation = "incarnation" in event ? event.incarnation : undefined;
  const pid = "pid" in event ? event.pid : undefined;
  if (incarnation !== undefined) return incarnation !== facts.incarnation;
  return pid !== undefined && pid !== facts.manifest.pid;
}

/** ULIDs sort by time, so a later incarnation is a greater string. */
export function isSuperseded(facts: WorkerContext, event: WorkerEvent): boolean {
  return event.type === "evict" && event.incarnation > facts.incarnation;
}

/**
 * How long until the silence of this worker has to be looked at again: when it would be late, and
 * then, or while no verdict can be passed, once per interval.
 */
export function silenceDelay(facts: WorkerContext): number {
  const intervals = facts.late ? SILENCE.lostIntervals : SILENCE.lateIntervals;
  const leftMs = intervals * intervalMs(facts) - silentMs(facts);
  if (!facts.late && !isFrozen(facts)) return Math.max(0, leftMs);
  return leftMs > 0 ? Math.min(leftMs, intervalMs(facts)) : intervalMs(facts);
}

/**
 * How long no timer of a worker can change anything: while it is well or limited, until it would be late. Each
 * beat moves that on, so that the timer set for it finds nothing but for a worker that falls silent.
 */
export function postponeMs(facts: WorkerContext): number {
  const hasOneTimer = facts.state === "healthy" || facts.state === "degraded";
  return hasOneTimer && !facts.late && !isLate(facts) ? silenceDelay(facts) : 0;
}

export function proofDelay(facts: WorkerContext): number {
  return untilDue(facts, proofDeadline(facts));
}

export function quarantineDelay(facts: WorkerContext): number {
  return untilDue(facts, facts.since + QUARANTINE.afterMs);
}

export function graceDelay(facts: WorkerContext): number {
  return Math.max(0, facts.drainUntil - facts.now());
}

/**
 * Since the last beat, without the time in which the supervisor doubted itself: that says nothing. To count
 * anew after each doubt instead would let a dead worker live for as long as doubts keep coming.
 */
export function silentMs(facts: WorkerContext): number {
  const aheadMs = Math.max(0, facts.doubtUntil - facts.now());
  return facts.now() - facts.beatAt - (facts.doubtedMs - aheadMs);
}

function isReachable(facts: WorkerContext): boolean {
  return facts.pongAt !== undefined && facts.now() - facts.pongAt < SILENCE.reachableMs;
}

function intervalMs(facts: WorkerContext): number {
  return facts.manifest.heartbeatIntervalMs;
}

/** Time in which the supervisor doubted itself does not count, nor does a quarantine. */
function proofDeadline(facts: WorkerContext): number {
  const doubtUntil = Math.min(facts.doubtUntil, facts.now());
  const start = Math.max(facts.since, doubtUntil, facts.quarantineUntil);
  return start + PROOF.timeoutIntervals * intervalMs(facts);
}

/** A verdict that cannot be passed now is looked at again after one interval. */
function untilDue(facts: WorkerContext, deadline: number): number {
  const leftMs = Math.max(0, deadline - facts.now());
  if (!isFrozen(facts)) return leftMs;
  return leftMs > 0 ? Math.min(leftMs, intervalMs(facts)) : intervalMs(facts);
}
