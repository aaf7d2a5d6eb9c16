import { assign, setup } from "xstate";

/** What happens to one attempt of an execution on its worker. */
export type ExecutionEvent =
  | { readonly type: "node"; readonly nodeId: string; readonly status: string }
  | { readonly type: "paused" }
  | { readonly type: "resumed" }
  | { readonly type: "cancelled"; readonly reason: string }
  /** The flow has run: its record is being stored. */
  | { readonly type: "committing"; readonly status: string }
  | { readonly type: "ended"; readonly status: "completed" | "failed" | "cancelled" | "fenced" }
  /** The worker goes and leaves it to others. */
  | { readonly type: "abandoned"; readonly reason: string };

export interface ExecutionInput {
  readonly executionId: string;
  readonly flowId: string;
  readonly lane: string;
  readonly attempt: number;
  readonly workerId: string;
  /** ISO. */
  readonly startedAt: string;
}

export interface ExecutionContext extends ExecutionInput {
  /** How many nodes have ended, and which was the last. */
  readonly nodesEnded: number;
  readonly lastNode: string | undefined;
  readonly reason: string | undefined;
}

const execution = setup({
  types: {
    context: {} as ExecutionContext,
    events: {} as ExecutionEvent,
    input: {} as ExecutionInput,
    tags: {} as "slot",
  },
  guards: {
    isCompleted: ({ event }) => event.type === "ended" && event.status === "completed",
    isCancelled: ({ event }) => event.type === "ended" && event.status === "cancelled",
    isFenced: ({ event }) => event.type === "ended" && event.status === "fenced",
  },
  actions: {
    noteNode: assign(({ context, event }) =>
      event.type === "node" ? { nodesEnded: context.nodesEnded + 1, lastNode: event.nodeId } : {},
    ),
    noteReason: assign(({ event }) => ("reason" in event ? { reason: event.reason } : {})),
  },
});

/**
 * One attempt of an execution, as the worker that runs it sees it. It mirrors what the task runner
 * does, and decides nothing. There is one only while somebody watches, or when it takes long.
 * - running: nodes run. paused: no further one is started.
 * - cancelling: its nodes have been told to stop.
 * - committing: the flow has run and needs no slot; its record is being stored.
 * - completed, failed, cancelled: reported. fenced: another attempt was recorded first.
 * - abandoned: the worker left before the end; the message comes again.
 */
export const executionMachine = execution.createMachine({
  id: "execution",
  context: ({ input }) => ({ ...input, nodesEnded: 0, lastNode: undefined, reason: undefined }),
  initial: "running",
  on: {
    ended: [
      { guard: "isCompleted", target: ".completed" },
      { guard: "isCancelled", target: ".cancelled" },
      { guard: "isFenced", target: ".fenced" },
      { target: ".failed" },
    ],
    abandoned: { target: ".abandoned", actions: "noteReason" },
    cancelled: { target: ".cancelling", actions: "noteReason" },
    committing: ".committing",
    node: { actions: "noteNode" },
  },
  states: {
    running: { tags: "slot", on: { paused: "paused" } },
    paused: { tags: "slot", on: { resumed: "running" } },
    cancelling: { tags: "slot" },
    committing: { on: { cancelled: {} } },
    completed: { type: "final" },
    failed: { type: "final" },
    cancelled: { type: "final" },
    fenced: { type: "final" },
    abandoned: { type: "final" },
  },
});
