import { and, assign, setup } from "xstate";
import {
  type AutoscalerContext,
  type AutoscalerEvent,
  type AutoscalerInput,
  initialAutoscaler,
  restMs,
  withFailure,
} from "./autoscaler-facts.ts";

const autoscaler = setup({
  types: {
    context: {} as AutoscalerContext,
    events: {} as AutoscalerEvent,
    input: {} as AutoscalerInput,
    tags: {} as "deciding" | "acting" | "failing",
  },
  guards: {
    isLeading: ({ context }) => context.leads,
    isAlarmed: ({ context }) => context.isAlarmed,
    isTired: ({ context }) => restMs(context) > 0,
    isUp: ({ event }) => event.type === "decided" && event.decision.action === "up",
    isDown: ({ event }) => event.type === "decided" && event.decision.action === "down",
  },
  delays: {
    interval: ({ context }) => context.intervalMs,
    backoff: ({ context }) => restMs(context),
    // The provisioner is called with a limit of its own; this one is for a host that forgot to answer.
    answer: 120_000,
  },
  actions: {
    noteLead: assign({ leads: true }),
    noteFollow: assign({ leads: false }),
    noteAlarm: assign({ isAlarmed: true }),
    noteLook: assign({ isAlarmed: false }),
    noteDecision: assign(({ event }) =>
      event.type === "decided" ? { decision: event.decision } : {},
    ),
    noteFailure: assign(({ context, event }) =>
      "error" in event ? withFailure(context, event.error) : {},
    ),
    noteSilence: assign(({ context }) => withFailure(context, "the provisioner did not answer")),

    // Effects: named here, supplied by the process that hosts the actor (see autoscaler-effects.ts).
    decide: () => {},
    start: () => {},
    retire: () => {},
    tellFailing: () => {},
  },
});

const toFailing = { target: "failing", actions: "noteFailure" } as const;
const silent = { target: "failing", actions: "noteSilence" } as const;

/**
 * Keeps as many workers as `decideScale` asks for. Only the leader's is at work.
 * - booting: no time passes here; one that starts again after a fault of its own goes on with its work.
 * - suspended: another orchestrator leads, or none.
 * - idle: until the interval is over or something cannot wait.
 * - deciding: facts are gathered and weighed.
 * - scalingUp, scalingDown: the provisioner is at work.
 * - failing: the provisioner could not, or workers crash; nothing is tried for a time that grows.
 *
 * Cool-downs and limits are not here but in the decision: they have to be told with it.
 */
export const autoscalerMachine = autoscaler.createMachine({
  id: "autoscaler",
  options: { maxIterations: 1_000 },
  context: ({ input }) => initialAutoscaler(input),
  initial: "booting",
  on: { follow: { target: ".suspended", actions: "noteFollow" } },
  states: {
    booting: { always: [{ guard: "isLeading", target: "deciding" }, { target: "suspended" }] },
    suspended: { on: { lead: { target: "deciding", actions: "noteLead" } } },
    idle: {
      always: { guard: "isAlarmed", target: "deciding" },
      on: { alarm: { actions: "noteAlarm" }, crashed: toFailing },
      after: { interval: "deciding" },
    },
    deciding: {
      tags: "deciding",
      entry: ["noteLook", "decide"],
      on: {
        alarm: { actions: "noteAlarm" },
        crashed: { actions: "noteFailure" },
        decided: [
          { guard: and(["isUp", "isTired"]), target: "failing", actions: "noteDecision" },
          { guard: "isUp", target: "scalingUp", actions: "noteDecision" },
          { guard: "isDown", target: "scalingDown", actions: "noteDecision" },
          { target: "idle", actions: "noteDecision" },
        ],
        undecided: toFailing,
      },
      after: { answer: silent },
    },
    scalingUp: {
      tags: "acting",
      entry: "start",
      on: {
        alarm: { actions: "noteAlarm" },
        crashed: toFailing,
        started: "idle",
        startFailed: toFailing,
      },
      after: { answer: silent },
    },
    scalingDown: {
      tags: "acting",
      entry: "retire",
      on: {
        alarm: { actions: "noteAlarm" },
        crashed: { actions: "noteFailure" },
        retired: "idle",
        retireFailed: toFailing,
      },
      after: { answer: silent },
    },
    failing: {
      tags: "failing",
      entry: "tellFailing",
      on: { crashed: { target: "failing", reenter: true, actions: "noteFailure" } },
      after: { backoff: "deciding" },
    },
  },
});
