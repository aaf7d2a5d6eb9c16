import { assign, setup } from "xstate";

/** What happens to the lease of the supervisor, as one orchestrator sees it. */
export type LeaseEvent =
  | { readonly type: "acquired"; readonly revision: number }
  | { readonly type: "lost"; readonly reason: string }
  /** Others may have taken it: it counts again once the server has renewed it. */
  | { readonly type: "suspended" }
  | { readonly type: "released" };

export interface LeaseInput {
  /** The orchestrator that wants it. */
  readonly holder: string;
}

export interface LeaseContext extends LeaseInput {
  /** Of the lease while it is held; what is written in its name can be fenced by it. */
  readonly revision: number | undefined;
  /** How often this orchestrator has come to lead. */
  readonly terms: number;
  readonly reason: string | undefined;
}

const lease = setup({
  types: {
    context: {} as LeaseContext,
    events: {} as LeaseEvent,
    input: {} as LeaseInput,
    tags: {} as "held",
  },
  actions: {
    noteTerm: assign(({ context, event }) =>
      event.type === "acquired"
        ? { revision: event.revision, terms: context.terms + 1, reason: undefined }
        : {},
    ),
    noteLoss: assign(({ event }) =>
      event.type === "lost" ? { revision: undefined, reason: event.reason } : {},
    ),
  },
});

/**
 * The lease that makes one orchestrator the leader. It mirrors what the lease in the bucket comes to,
 * and decides nothing.
 * - following: another orchestrator leads, or nobody does yet.
 * - leading: this one does.
 * - suspended: it may have been away for too long, and does not count as the leader until confirmed.
 * - released: it was given back with the end of its process.
 */
export const leaseMachine = lease.createMachine({
  id: "lease",
  context: ({ input }) => ({ ...input, revision: undefined, terms: 0, reason: undefined }),
  initial: "following",
  on: { released: ".released" },
  states: {
    following: { on: { acquired: { target: "leading", actions: "noteTerm" } } },
    leading: {
      tags: "held",
      on: {
        lost: { target: "following", actions: "noteLoss" },
        suspended: "suspended",
      },
    },
    suspended: {
      on: {
        acquired: { target: "leading", actions: "noteTerm" },
        lost: { target: "following", actions: "noteLoss" },
      },
    },
    released: { type: "final" },
  },
});
