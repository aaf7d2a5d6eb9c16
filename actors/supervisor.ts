import { assign, setup } from "xstate";
import {
  afterDoubt,
  DOUBT,
  dispatchOf,
  initialSupervisor,
  type SupervisorContext,
  type SupervisorEnding,
  type SupervisorEvent,
  type SupervisorInput,
  supervisorEnding,
  withoutBus,
  withReason,
} from "./supervisor-facts.ts";

const supervisor = setup({
  types: {
    context: {} as SupervisorContext,
    events: {} as SupervisorEvent,
    input: {} as SupervisorInput,
    output: {} as SupervisorEnding,
    tags: {} as "serving" | "dispatching" | "leader" | "certain",
  },
  guards: {
    hasLease: ({ context }) => context.hasLease,
    hasNoLease: ({ context }) => !context.hasLease,
    isDisconnected: ({ context }) => !context.connected,
    isCut: ({ context }) => dispatchOf(context) === "cut",
    isPaused: ({ context }) => dispatchOf(context) === "paused",
    isSaturated: ({ context }) => dispatchOf(context) === "saturated",
    isOpen: ({ context }) => dispatchOf(context) === "running",
    mayDoubt: ({ context }) => context.now() >= context.trustUntil,
    hasDoubt: ({ context }) => !context.connected || context.now() < context.doubtUntil,
  },
  delays: {
    doubt: ({ context }) =>
      context.connected ? Math.max(1, context.doubtUntil - context.now()) : DOUBT.forMs,
    stopTimeout: ({ context }) => context.stopTimeoutMs,
  },
  actions: {
    noteLease: assign({ hasLease: ({ context }) => context.connected }),
    noteLeaseLost: assign({ hasLease: false }),
    noteBusLost: assign(() => withoutBus()),
    noteBusBack: assign({ connected: true }),
    notePause: assign(({ event }) => (event.type === "pause" ? { pausedFor: event.reason } : {})),
    noteResume: assign({ pausedFor: undefined }),
    noteSaturated: assign({ saturated: true }),
    noteRelieved: assign({ saturated: false }),
    noteDoubt: assign(({ context, event }) =>
      withReason(context, event.type === "doubt" ? event.reason : "the bus connection was lost"),
    ),
    noteTrust: assign(({ context }) => afterDoubt(context)),
    noteStop: assign(({ event }) =>
      event.type === "stop" || event.type === "startFailed" ? { stopReason: event.reason } : {},
    ),
    noteEnding: assign((_, params: { ending: SupervisorEnding["reason"] }) => params),

    // Effects: named here, supplied by the process that hosts the actor (see supervisor-effects.ts).
    recover: () => {},
    resync: () => {},
    openDispatch: () => {},
    closeDispatch: () => {},
    lead: () => {},
    follow: () => {},
    freezeVerdicts: () => {},
    thawVerdicts: () => {},
    settle: () => {},
    release: () => {},
  },
});

const ending = <R extends SupervisorEnding["reason"]>(reason: R) =>
  ({ type: "noteEnding", params: { ending: reason } }) as const;

const toCut = { guard: "isCut", target: "cut" } as const;
const toPaused = { guard: "isPaused", target: "paused" } as const;
const toSaturated = { guard: "isSaturated", target: "saturated" } as const;
const toRunning = { guard: "isOpen", target: "running" } as const;

/**
 * One orchestrator. Dispatching needs no leader (contract A4), so it is a region of its own beside
 * the role; the third region is the supervisor's trust in its own eyes.
 * - starting: settings, topology and registry are read; nothing is promised yet.
 * - serving.role: standby watches; leading also scales, announces, keeps timers and cleans up.
 * - serving.dispatch: running hands out work; saturated, paused (by an operator) and cut (no bus) do not.
 * - serving.judgement: while doubting, no worker is given up and nothing is scaled.
 * - stopping: hands out nothing more and settles what is under way, within a time limit.
 * - stopped: final.
 */
export const supervisorMachine = supervisor.createMachine({
  id: "supervisor",
  options: { maxIterations: 1_000 },
  context: ({ input }) => initialSupervisor(input),
  output: ({ context }) => supervisorEnding(context),
  initial: "starting",
  on: {
    leaseAcquired: { actions: "noteLease" },
    leaseLost: { actions: "noteLeaseLost" },
    busLost: { actions: "noteBusLost" },
    busBack: { actions: "noteBusBack" },
    pause: { actions: "notePause" },
    resume: { actions: "noteResume" },
    saturated: { actions: "noteSaturated" },
    relieved: { actions: "noteRelieved" },
    stop: { target: "#stopping", actions: "noteStop" },
  },
  states: {
    starting: {
      entry: "recover",
      on: {
        ready: "serving",
        startFailed: { target: "#stopped", actions: ["noteStop", ending("start-failed")] },
      },
    },
    serving: {
      type: "parallel",
      tags: "serving",
      states: {
        role: {
          initial: "standby",
          states: {
            standby: { always: { guard: "hasLease", target: "leading" } },
            leading: {
              tags: "leader",
              entry: "lead",
              exit: "follow",
              always: { guard: "hasNoLease", target: "standby" },
            },
          },
        },
        dispatch: {
          initial: "cut",
          states: {
            running: {
              tags: "dispatching",
              entry: "openDispatch",
              exit: "closeDispatch",
              always: [toCut, toPaused, toSaturated],
            },
            saturated: { always: [toCut, toPaused, toRunning] },
            paused: { always: [toCut, toSaturated, toRunning] },
            cut: { always: [toPaused, toSaturated, toRunning] },
          },
        },
        judgement: {
          initial: "certain",
          states: {
            certain: {
              tags: "certain",
              always: { guard: "isDisconnected", target: "doubting", actions: "noteDoubt" },
              on: { doubt: { guard: "mayDoubt", target: "doubting", actions: "noteDoubt" } },
            },
            doubting: {
              entry: "freezeVerdicts",
              on: {
                doubt: { actions: "noteDoubt" },
                // A reconnect: what was missed meanwhile is still on its way.
                busBack: {
                  target: "doubting",
                  reenter: true,
                  actions: ["noteBusBack", "noteDoubt", "resync"],
                },
              },
              after: {
                doubt: [
                  { guard: "hasDoubt", target: "doubting", reenter: true },
                  { target: "certain", actions: ["noteTrust", "thawVerdicts"] },
                ],
              },
            },
          },
        },
      },
    },
    stopping: {
      id: "stopping",
      entry: "settle",
      on: { drained: { target: "stopped", actions: ending("drained") }, stop: {} },
      after: { stopTimeout: { target: "stopped", actions: ending("timeout") } },
    },
    stopped: { id: "stopped", type: "final", entry: "release" },
  },
});
