import type { Mishap } from "../src/domain/conduct.ts";
import type { WorkerStateName } from "../src/messages/worker.ts";
import type { WorkerEnding, WorkerEndingReason, WorkerEvent } from "./worker-events.ts";
import { NO_STREAKS, type WorkerContext } from "./worker-facts.ts";
import { DRAIN, PROOF, QUARANTINE } from "./worker-limits.ts";
import { silentMs } from "./worker-rules.ts";

/** The facts after the worker entered a state of contract B5, with the reasons for it. */
export function entered(facts: WorkerContext, to: WorkerStateName): WorkerContext {
  const now = facts.now();
  const visits = to === "critical" ? [...recentVisits(facts, now), now] : facts.criticalVisits;
  const { sick, poor } = facts.streaks;
  return {
    ...facts,
    state: to,
    from: to === "registering" ? null : facts.state,
    since: now,
    reasons: reasonsFor(facts, to),
    criticalVisits: visits,
    // What is bad may go on counting; what is good has to happen in the state itself.
    streaks: facts.state === "registering" ? facts.streaks : { ...NO_STREAKS, sick, poor },
    idleBeats: 0,
  };
}

/** The order to itself of a worker that stayed critical, or became so too often. */
export function quarantined(facts: WorkerContext): Partial<WorkerContext> {
  const minutes = QUARANTINE.visitsWithinMs / 60_000;
  const relapsed = facts.criticalVisits.length >= QUARANTINE.visits;
  const why = relapsed
    ? `critical ${facts.criticalVisits.length} times in ${minutes} minutes`
    : `critical for ${seconds(facts.now() - facts.since)}`;
  const drainUntil = facts.now() + DRAIN.graceMs;
  return { drainReason: `quarantined: ${why}`, drainUntil, isQuarantined: true };
}

/** What a change says against the worker: that it died, or that it is quarantined. */
export function mishapOf({ state, ending, ...facts }: WorkerContext): Mishap | undefined {
  if (state === "draining" && facts.isQuarantined) return { why: facts.drainReason, isGrave: true };
  if (state !== "offline" || ending === undefined || ending.clean) return undefined;
  return { why: ending.text, isGrave: false };
}

/** How a worker ended: the output of its actor, and what the poison rule asks. */
export function endingOf(
  facts: WorkerContext,
  reason: WorkerEndingReason,
  event: WorkerEvent,
): WorkerEnding {
  const text = endingText(facts, reason, event);
  const inFlight = Math.max(facts.assigned, facts.reported);
  return { reason, text, clean: isClean(reason, event), inFlight };
}

/**
 * A grace that was too short and a newer incarnation are no deaths: they happen to tasks that only
 * take long, and to workers that register again.
 */
function isClean(reason: WorkerEndingReason, event: WorkerEvent): boolean {
  if (reason === "exited") return event.type === "exit" && event.code === 0;
  return reason !== "unreachable" && reason !== "silent";
}

function endingText(facts: WorkerContext, reason: WorkerEndingReason, event: WorkerEvent): string {
  switch (reason) {
    case "bye":
      return event.type === "bye" && event.reason ? `bye: ${event.reason}` : "bye";
    case "drained":
      return "drained: nothing in flight";
    case "exited":
      return event.type === "exit" ? `process ended with ${exitText(event)}` : "process ended";
    case "unreachable":
      return "unreachable: ping had no responders";
    case "silent":
      return `silent for ${seconds(silentMs(facts))} and unreachable`;
    case "evicted":
      return "evicted: a newer incarnation registered";
    case "unproven":
      return `no ${PROOF.beats} beats and answered canary within ${PROOF.timeoutIntervals} intervals`;
    case "grace-over":
      return "grace over: did not finish in time";
  }
}

function exitText(event: { code?: number | null; signal?: string | null }): string {
  return event.signal ? `signal ${event.signal}` : `code ${event.code ?? "unknown"}`;
}

function reasonsFor(facts: WorkerContext, to: WorkerStateName): readonly string[] {
  switch (to) {
    case "registering":
      return [facts.quarantineReason || "registered"];
    case "healthy":
      return [facts.state === "registering" ? "canary answered" : "recovered"];
    case "degraded":
      return facts.state === "critical" ? ["improved", ...symptoms(facts)] : symptoms(facts);
    case "critical":
      return symptoms(facts);
    case "draining":
      return [facts.drainReason];
    case "offline":
      return [facts.ending?.text ?? "ended"];
  }
}

function symptoms(facts: WorkerContext): readonly string[] {
  const { says, score, reasons } = facts.verdict;
  return [
    ...(says === "healthy" ? [] : [`the worker says ${says}`]),
    ...(facts.late ? [`no beat for ${seconds(silentMs(facts))}`] : []),
    ...(score > 0 ? [`health score ${score} of 8`] : []),
    ...reasons.map((reason) => reason.text),
  ];
}

function recentVisits(facts: WorkerContext, now: number): readonly number[] {
  return facts.criticalVisits.filter((at) => now - at < QUARANTINE.visitsWithinMs);
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}
