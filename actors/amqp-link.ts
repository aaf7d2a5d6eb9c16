import { assign, setup } from "xstate";

/** What happens to a link to the AMQP broker. */
export type AmqpLinkEvent =
  | { readonly type: "connected" }
  /** Exchanges and queues are there, and consumers and channels are set up. */
  | { readonly type: "declared" }
  /** It could not be connected or declared. */
  | { readonly type: "failed"; readonly reason: string }
  /** It was, and is no more. */
  | { readonly type: "lost"; readonly reason: string }
  /** The broker takes nothing for now: memory or disk run out there. */
  | { readonly type: "blocked"; readonly reason: string }
  | { readonly type: "unblocked" }
  /** The other side takes nothing for now: what has come is held. */
  | { readonly type: "held"; readonly reason: string }
  | { readonly type: "released" }
  | { readonly type: "drain" }
  /** What was under way is settled. */
  | { readonly type: "drained" };

export interface AmqpLinkInput {
  readonly direction: "in" | "out";
  /** Without its login. */
  readonly server: string;
  /** How long what has come is held while the other side takes nothing, before it is handed back. */
  readonly holdMaxMs: number;
  readonly drainMaxMs: number;
  /** In [0, 1). */
  readonly random: () => number;
}

export interface AmqpLinkContext extends AmqpLinkInput {
  /** Attempts that failed since it ran last. */
  readonly failures: number;
  /** How often it came to run. */
  readonly runs: number;
  readonly reason: string | undefined;
}

/** research/amqp.md 2: from 0.2 to 30 s, doubled each time. */
const BACKOFF = { firstMs: 200, mostMs: 30_000 } as const;
/** Half of it is left to chance, so that bridges do not come back all at once. */
const JITTER = 0.5;

export function backoffMs(failures: number, random: number): number {
  const fullMs = Math.min(BACKOFF.mostMs, BACKOFF.firstMs * 2 ** Math.min(failures, 20));
  return Math.round(fullMs * (1 - JITTER + JITTER * random));
}

const link = setup({
  types: {
    context: {} as AmqpLinkContext,
    events: {} as AmqpLinkEvent,
    input: {} as AmqpLinkInput,
    tags: {} as "usable",
  },
  delays: {
    backoff: ({ context }) => backoffMs(context.failures - 1, context.random()),
    holdMax: ({ context }) => context.holdMaxMs,
    drainMax: ({ context }) => context.drainMaxMs,
  },
  actions: {
    noteFailure: assign(({ context, event }) => ({
      failures: context.failures + 1,
      reason: "reason" in event ? event.reason : context.reason,
    })),
    noteHeldTooLong: assign(({ context }) => ({
      failures: context.failures + 1,
      reason: `held for ${context.holdMaxMs / 1_000} s: ${context.reason}`,
    })),
    noteRun: assign(({ context }) => ({ failures: 0, runs: context.runs + 1, reason: undefined })),
    noteReason: assign(({ event }) => ("reason" in event ? { reason: event.reason } : {})),
    clearReason: assign({ reason: undefined }),

    // Effects: named here, supplied by the process that hosts the actor (src/processes/bridge).
    connect: () => {},
    declare: () => {},
    work: () => {},
    stopTaking: () => {},
    disconnect: () => {},
  },
});

const again = { target: "#backoff", actions: "noteFailure" } as const;

/**
 * One connection of the bridge to the AMQP broker: `in` takes flows from its queues, `out` publishes what
 * becomes of them.
 * - connecting, declaring: on the way. backoff: it failed, and is tried again after a while that grows.
 * - running.flowing: it works. running.blocked: the broker takes nothing; what is to be published waits.
 * - running.held: NATS takes nothing; what has come is kept unacknowledged, and handed back after a long
 *   while: sooner, and the broker would count each as a failed delivery and drop it in the end.
 * - draining: takes nothing more and settles what is under way. closed: for good.
 */
export const amqpLinkMachine = link.createMachine({
  id: "amqp-link",
  context: ({ input }) => ({ ...input, failures: 0, runs: 0, reason: undefined }),
  initial: "connecting",
  on: { drain: ".closed" },
  states: {
    connecting: {
      entry: "connect",
      on: { connected: "declaring", failed: again, lost: again },
    },
    declaring: {
      entry: "declare",
      on: { declared: "running", failed: again, lost: again },
    },
    running: {
      initial: "flowing",
      entry: ["noteRun", "work"],
      on: {
        lost: again,
        failed: again,
        drain: "draining",
      },
      states: {
        flowing: {
          tags: "usable",
          on: {
            blocked: { target: "blocked", actions: "noteReason" },
            held: { target: "held", actions: "noteReason" },
          },
        },
        blocked: { on: { unblocked: { target: "flowing", actions: "clearReason" } } },
        held: {
          on: {
            held: { actions: "noteReason" },
            released: { target: "flowing", actions: "clearReason" },
          },
          after: { holdMax: { target: "#backoff", actions: "noteHeldTooLong" } },
        },
      },
    },
    backoff: {
      id: "backoff",
      entry: "disconnect",
      after: { backoff: "connecting" },
    },
    draining: {
      entry: "stopTaking",
      on: { drained: "closed", lost: "closed" },
      after: { drainMax: "closed" },
    },
    closed: { type: "final", entry: "disconnect" },
  },
});
