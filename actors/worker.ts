import type { WorkerStateName } from "../src/messages/worker.ts";
import type { WorkerEnding, WorkerEndingReason } from "./worker-events.ts";
import { initialFacts } from "./worker-facts.ts";
import { workerSetup } from "./worker-setup.ts";

/** Enters a state of contract B5 and tells everyone. */
const goto = <T extends WorkerStateName>(to: T) =>
  ({ target: `#${to}`, actions: [{ type: "enter", params: { to } }, "announce"] }) as const;

/** Leaves for good. */
const endAs = <R extends WorkerEndingReason>(reason: R) =>
  ({
    target: "#offline",
    actions: [
      { type: "end", params: { reason } },
      { type: "enter", params: { to: "offline" } },
      "announce",
    ],
  }) as const;

const foreign = { guard: "isForeign", actions: "countStale" } as const;

/** Quarantine: the order to drain comes from the worker's own state. */
const quarantine = {
  target: "#draining",
  actions: ["noteQuarantine", { type: "enter", params: { to: "draining" } }, "announce"],
} as const;

/**
 * One worker process as this orchestrator sees it (contract B5); the actor ends with the process.
 *
 * Events bring facts, and eventless transitions judge the facts, so that a rule reads the same
 * whatever brought the fact. Every timer computes its delay from the facts: to enter a state again
 * re-arms it without lengthening a dwell. A look at the silence that would find nothing is left out
 * where the actor is hosted (postponeMs in worker-rules.ts).
 * - booting: no time passes here; a worker found in the registry goes on where it was.
 * - registering: accepted, but not yet seen to beat and to take work.
 * - healthy: beats in time, takes tasks; gets its full share.
 * - degraded: ill or late; gets a quarter, and nothing at all while it is suspect.
 * - critical: gets nothing; improves slowly or is quarantined.
 * - draining: gets nothing more and finishes what it holds; liveness is still watched, and the
 *   order to drain is repeated at each look, since it may have been lost.
 * - offline: gone. What it held is redistributed.
 */
export const workerMachine = workerSetup.createMachine({
  id: "worker",
  options: { maxIterations: 1_000 },
  context: ({ input }) => initialFacts(input),
  initial: "booting",
  output: ({ context }) => context.ending as WorkerEnding,
  on: {
    heartbeat: [{ guard: "isCurrentBeat", actions: "noteBeat" }, { actions: "countStale" }],
    registered: [foreign, { actions: "noteManifest" }],
    pong: [foreign, { actions: "notePong" }],
    inFlight: { actions: "noteAssigned" },
    freeze: { actions: "doubt" },
    thaw: { actions: "trust" },
    drain: {
      target: "#draining",
      actions: ["noteDrain", { type: "enter", params: { to: "draining" } }, "announce"],
    },
    unreachable: [{ guard: "isFrozen", actions: "countWithheld" }, endAs("unreachable")],
    bye: [foreign, endAs("bye")],
    exit: [foreign, endAs("exited")],
    evict: [{ guard: "isSuperseded", ...endAs("evicted") }, { actions: "countStale" }],
  },
  states: {
    booting: {
      always: [
        { guard: "wasHealthy", target: "healthy" },
        { guard: "wasDegraded", target: "degraded" },
        { guard: "wasCritical", target: "critical" },
        { guard: "wasDraining", target: "draining" },
        goto("registering"),
      ],
    },
    registering: {
      id: "registering",
      tags: "alive",
      always: { guard: "isProven", ...goto("healthy") },
      after: {
        proof: [
          { guard: "isUnproven", ...endAs("unproven") },
          { target: "registering", reenter: true },
        ],
      },
    },
    healthy: {
      id: "healthy",
      tags: ["alive", "assignable"],
      always: [
        { guard: "isCritical", ...goto("critical") },
        { guard: "isDegraded", ...goto("degraded") },
      ],
      after: { silence: { target: "healthy", reenter: true, actions: "noteSilence" } },
    },
    degraded: {
      id: "degraded",
      tags: "alive",
      initial: "limited",
      always: [
        { guard: "isCritical", ...goto("critical") },
        { guard: "isRecovered", ...goto("healthy") },
      ],
      after: {
        silence: [
          { guard: "isLost", ...endAs("silent") },
          { target: "degraded", reenter: true, actions: "noteSilence" },
        ],
      },
      states: {
        limited: { tags: "assignable", always: { guard: "isSuspect", target: "suspect" } },
        suspect: { always: { guard: "isHeard", target: "limited" } },
      },
    },
    critical: {
      id: "critical",
      tags: "alive",
      always: [
        { guard: "isRelapsing", ...quarantine },
        { guard: "isImproved", ...goto("degraded") },
      ],
      after: {
        silence: [
          { guard: "isLost", ...endAs("silent") },
          { target: "critical", reenter: true, actions: "noteSilence" },
        ],
        quarantine: [
          { guard: "isIncurable", ...quarantine },
          { target: "critical", reenter: true },
        ],
      },
    },
    draining: {
      id: "draining",
      tags: "alive",
      entry: "sendDrain",
      always: { guard: "isIdle", ...endAs("drained") },
      on: {
        drain: { target: "draining", reenter: true, actions: "noteDrain" },
        drained: [foreign, endAs("drained")],
      },
      after: {
        silence: [
          { guard: "isLost", ...endAs("silent") },
          { target: "draining", reenter: true, actions: "noteSilence" },
        ],
        grace: endAs("grace-over"),
      },
    },
    offline: { id: "offline", type: "final", entry: "redistribute" },
  },
});
