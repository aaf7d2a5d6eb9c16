import { assign, setup } from "xstate";
import type { WorkerStateName } from "../src/messages/worker.ts";
import { endingOf, entered, quarantined } from "./worker-changes.ts";
import type {
  WorkerEnding,
  WorkerEndingReason,
  WorkerEvent,
  WorkerInput,
} from "./worker-events.ts";
import {
  type WorkerContext,
  withBeat,
  withDoubt,
  withDrain,
  withoutDoubt,
} from "./worker-facts.ts";
import * as rules from "./worker-rules.ts";

/**
 * The names that the worker machine is written in, and what they mean. Everything has a name: an
 * inline function shows as nothing in the visualizer.
 */
export const workerSetup = setup({
  types: {
    context: {} as WorkerContext,
    events: {} as WorkerEvent,
    input: {} as WorkerInput,
    output: {} as WorkerEnding,
    tags: {} as "alive" | "assignable",
  },
  guards: {
    wasHealthy: ({ context }) => context.state === "healthy",
    wasDegraded: ({ context }) => context.state === "degraded",
    wasCritical: ({ context }) => context.state === "critical",
    wasDraining: ({ context }) => context.state === "draining",
    isProven: ({ context }) => rules.isProven(context),
    isDegraded: ({ context }) => rules.isDegraded(context),
    isRecovered: ({ context }) => rules.isRecovered(context),
    isCritical: ({ context }) => rules.isCritical(context),
    isImproved: ({ context }) => rules.isImproved(context),
    isIncurable: ({ context }) => rules.isIncurable(context),
    isRelapsing: ({ context }) => rules.isRelapsing(context),
    isIdle: ({ context }) => rules.isIdle(context),
    isSuspect: ({ context }) => rules.isSuspect(context),
    isHeard: ({ context }) => !rules.isSuspect(context),
    isLost: ({ context }) => rules.isLost(context),
    isFrozen: ({ context }) => rules.isFrozen(context),
    isUnproven: ({ context }) => rules.isUnproven(context),
    isCurrentBeat: ({ context, event }) => rules.isCurrentBeat(context, event),
    isForeign: ({ context, event }) => rules.isForeign(context, event),
    isSuperseded: ({ context, event }) => rules.isSuperseded(context, event),
  },
  delays: {
    proof: ({ context }) => rules.proofDelay(context),
    silence: ({ context }) => rules.silenceDelay(context),
    quarantine: ({ context }) => rules.quarantineDelay(context),
    grace: ({ context }) => rules.graceDelay(context),
  },
  actions: {
    noteBeat: assign(({ context, event }) =>
      event.type === "heartbeat" ? withBeat(context, event) : {},
    ),
    notePong: assign({ pongAt: ({ context }) => context.now() }),
    noteManifest: assign(({ event }) =>
      event.type === "registered" ? { manifest: event.manifest } : {},
    ),
    noteAssigned: assign(({ event }) =>
      event.type === "inFlight" ? { assigned: event.count } : {},
    ),
    noteDrain: assign(({ context, event }) =>
      event.type === "drain" ? withDrain(context, event) : {},
    ),
    noteQuarantine: assign(({ context }) => quarantined(context)),
    noteSilence: assign({ late: ({ context }) => context.late || rules.isLate(context) }),
    doubt: assign(({ context, event }) =>
      event.type === "freeze" ? withDoubt(context, event) : {},
    ),
    trust: assign(({ context }) => withoutDoubt(context)),
    countStale: assign({ staleEvents: ({ context }) => context.staleEvents + 1 }),
    countWithheld: assign({ withheldVerdicts: ({ context }) => context.withheldVerdicts + 1 }),
    end: assign(({ context, event }, params: { reason: WorkerEndingReason }) => ({
      ending: endingOf(context, params.reason, event),
    })),
    enter: assign(({ context }, params: { to: WorkerStateName }) => entered(context, params.to)),

    // Effects: named here, supplied by the process that hosts the actor (see worker-effects.ts).
    announce: () => {},
    redistribute: () => {},
    sendDrain: () => {},
  },
});
