import type { Mishap } from "../src/domain/conduct.ts";
import type { HealthInput, HealthVerdict } from "../src/domain/health.ts";
import type { WorkerStateName } from "../src/messages/worker.ts";
import { type EffectFaults, perform } from "./effects.ts";
import { workerMachine } from "./worker.ts";
import { mishapOf } from "./worker-changes.ts";
import type { WorkerEnding } from "./worker-events.ts";
import { type Streaks, scoredOf, type WorkerContext } from "./worker-facts.ts";
import { silentMs } from "./worker-rules.ts";

/** A change of state: all of `WorkerStateEvent` but the time, which is the host's to stamp. */
export interface WorkerChange {
  readonly workerId: string;
  readonly incarnation: string;
  /** Null for a worker that has just registered. */
  readonly from: WorkerStateName | null;
  readonly to: WorkerStateName;
  readonly reasons: readonly string[];
  readonly load: number;
  readonly inFlight: number;
  readonly hostname: string;
  readonly pool: string;
  /** What it says against the worker, over all its incarnations. */
  readonly mishap: Mishap | undefined;
  /** What was known of it when it was judged. */
  readonly facts: JudgedFacts;
}

/** What a worker was judged by. Milliseconds. */
export interface JudgedFacts {
  readonly verdict: HealthVerdict;
  /** All that the verdict was passed on; undefined before the first beat. */
  readonly scored: HealthInput | undefined;
  readonly streaks: Streaks;
  readonly late: boolean;
  readonly silentMs: number;
  readonly criticalVisits: number;
  /** While it drains: how long it may take from now on, and whether that is for what it did. */
  readonly drain: { readonly deadlineMs: number; readonly isQuarantine: boolean } | undefined;
}

/** A worker is gone; what it held has to move. */
export interface WorkerLoss extends WorkerEnding {
  readonly workerId: string;
  readonly incarnation: string;
}

export interface DrainOrder {
  readonly workerId: string;
  readonly incarnation: string;
  readonly reason: string;
  /** Left of the grace. */
  readonly deadlineMs: number;
}

/** What the host does for a worker actor. Called within a transition: quick, and never throwing. */
export interface WorkerEffects extends EffectFaults {
  /** Publish the change (the leader), and write it to the registry. */
  announce(change: WorkerChange): void;
  /** The actor ends now: hand what this orchestrator had assigned to the worker to others. */
  redistribute(loss: WorkerLoss): void;
  /** Tell the worker to drain. Repeated while it drains, so it has to be idempotent. */
  sendDrain(order: DrainOrder): void;
}

/** The worker machine with its effects. One for all workers: each effect names its worker. */
export function workerWith(effects: WorkerEffects) {
  return workerMachine.provide({
    actions: {
      announce: ({ context }) =>
        perform(effects, "announce", () => effects.announce(changeOf(context))),
      redistribute: ({ context }) =>
        perform(effects, "redistribute", () => effects.redistribute(lossOf(context))),
      sendDrain: ({ context }) =>
        perform(effects, "sendDrain", () => effects.sendDrain(drainOrderOf(context))),
    },
  });
}

function changeOf(facts: WorkerContext): WorkerChange {
  const { workerId, incarnation, from, state, reasons, load, assigned, reported } = facts;
  const { hostname, pool } = facts.manifest;
  const inFlight = Math.max(assigned, reported);
  const change = { workerId, incarnation, from, to: state, reasons, load, inFlight };
  return { ...change, hostname, pool, mishap: mishapOf(facts), facts: judgedFacts(facts) };
}

function judgedFacts(context: WorkerContext): JudgedFacts {
  const { verdict, streaks, late, criticalVisits, state, isQuarantined } = context;
  const { deadlineMs } = drainOrderOf(context);
  return {
    verdict,
    scored: scoredOf(context),
    streaks,
    late,
    silentMs: Math.round(silentMs(context)),
    criticalVisits: criticalVisits.length,
    drain: state === "draining" ? { deadlineMs, isQuarantine: isQuarantined } : undefined,
  };
}

function lossOf(facts: WorkerContext): WorkerLoss {
  const { workerId, incarnation, ending } = facts;
  return { workerId, incarnation, ...(ending as WorkerEnding) };
}

function drainOrderOf(facts: WorkerContext): DrainOrder {
  const { workerId, incarnation, drainReason: reason } = facts;
  const deadlineMs = Math.max(0, Math.round(facts.drainUntil - facts.now()));
  return { workerId, incarnation, reason, deadlineMs };
}
