import type { WorkerStateName } from "../src/messages/worker.ts";
import type { RecoveredWorker, WorkerInput } from "./worker-events.ts";
import type { WorkerContext } from "./worker-facts.ts";
import { SILENCE, WEIGHTS } from "./worker-limits.ts";
import { isSuspect } from "./worker-rules.ts";

/** How a worker stands: what balancing, the registry, HTTP and the CLI ask of its actor. */
export interface WorkerStanding {
  readonly workerId: string;
  readonly incarnation: string;
  readonly state: WorkerStateName;
  /** When it came to this state (epoch ms). */
  readonly since: number;
  readonly reasons: readonly string[];
  /** May get a task now. Whether it has room for one is another question. */
  readonly assignable: boolean;
  /** Its share of the work against a healthy worker: 1, 0.25 or 0. */
  readonly weight: number;
  /** How much of its slots may be used: 1, 0.5 or 0. */
  readonly slotShare: number;
  /** Late and not answering pings: the supervisor counts these to doubt itself. */
  readonly suspect: boolean;
  /** Health score, 0-8. */
  readonly score: number;
  readonly load: number;
  readonly inFlight: number;
}

/** What is looked at of an actor's snapshot: the kernel's own snapshots fit. */
export interface WorkerSnapshot {
  readonly status: string;
  readonly context: WorkerContext;
  readonly error?: unknown;
}

/**
 * The standing of a worker. While its actor starts again after a failure it gets nothing, and once the
 * actor was given up it counts as critical for `actor-fault`: nobody watches it any more.
 */
export function standingOf(snapshot: WorkerSnapshot): WorkerStanding {
  const facts = snapshot.context;
  const isFaulted = snapshot.status === "faulted" || snapshot.status === "error";
  const suspect = isSuspect(facts);
  const share = snapshot.status === "active" && !suspect ? shareOf(facts.state) : NO_SHARE;
  return {
    workerId: facts.workerId,
    incarnation: facts.incarnation,
    state: isFaulted ? "critical" : facts.state,
    since: facts.since,
    reasons: isFaulted ? [`actor-fault: ${messageOf(snapshot.error)}`] : facts.reasons,
    assignable: share.weight > 0,
    ...share,
    suspect,
    score: facts.verdict.score,
    load: facts.load,
    inFlight: Math.max(facts.assigned, facts.reported),
  };
}

/** Whether two standings of one worker say the same. */
export function isSameStanding(one: WorkerStanding, other: WorkerStanding): boolean {
  for (const name in one) {
    const key = name as keyof WorkerStanding;
    if (one[key] !== other[key]) return false;
  }
  return true;
}

/** Workers are pinged every second, and an answer may take half of one. */
const PING_SLACK_MS = 1_500;

/**
 * Whether an answered ping may change anything about a worker that stands so: it proves one that is
 * new, and counts for one that is ill or about to be late. `beatAgeMs` is undefined without a beat.
 */
export function pongMatters(
  { state, suspect }: Pick<WorkerStanding, "state" | "suspect">,
  beatAgeMs: number | undefined,
  intervalMs: number,
): boolean {
  const isWell = !suspect && (state === "healthy" || state === "degraded");
  if (!isWell || beatAgeMs === undefined) return true;
  return beatAgeMs >= SILENCE.lateIntervals * intervalMs - PING_SLACK_MS;
}

const NO_SHARE = { weight: 0, slotShare: 0 } as const;

function shareOf(state: WorkerStateName): { readonly weight: number; readonly slotShare: number } {
  return state === "healthy" || state === "degraded" ? WEIGHTS[state] : NO_SHARE;
}

/** The input to start the actor of a worker again, after a fault of the actor itself. */
export function recoveredInput(facts: WorkerContext): WorkerInput {
  const { workerId, incarnation, manifest, now, quarantineReason: reason } = facts;
  const forMs = facts.quarantineUntil - now();
  const quarantine = forMs > 0 ? { forMs, reason } : undefined;
  return { workerId, incarnation, manifest, now, recovered: recoveredFrom(facts), quarantine };
}

function recoveredFrom(facts: WorkerContext): RecoveredWorker | undefined {
  const { state, reasons } = facts;
  if (state === "offline" || state === "registering") return undefined;
  const drainDeadlineMs = Math.max(1, facts.drainUntil - facts.now());
  return { state, reasons, ...(state === "draining" ? { drainDeadlineMs } : {}) };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
