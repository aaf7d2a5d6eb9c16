import { assign, setup } from "xstate";

/** What happens to a connection to the bus. */
export type ConnectionEvent =
  | { readonly type: "disconnected" }
  | { readonly type: "reconnected"; readonly server: string }
  /** The server owes an answer for so long. */
  | { readonly type: "silent"; readonly silentMs: number }
  | { readonly type: "answered" }
  | { readonly type: "closed"; readonly error?: string | undefined };

export interface ConnectionInput {
  /** What it is for, for people. */
  readonly purpose: string;
  readonly server: string;
}

export interface ConnectionContext extends ConnectionInput {
  /** How often it was lost. */
  readonly losses: number;
  /** How long the server owed an answer when that was told last. */
  readonly silentMs: number;
  readonly error?: string | undefined;
}

const connection = setup({
  types: {
    context: {} as ConnectionContext,
    events: {} as ConnectionEvent,
    input: {} as ConnectionInput,
    tags: {} as "usable",
  },
  actions: {
    noteLoss: assign(({ context }) => ({ losses: context.losses + 1, silentMs: 0 })),
    noteServer: assign(({ event }) =>
      event.type === "reconnected" ? { server: event.server, silentMs: 0 } : {},
    ),
    noteSilence: assign(({ event }) =>
      event.type === "silent" ? { silentMs: event.silentMs } : {},
    ),
    noteAnswer: assign({ silentMs: 0 }),
    noteError: assign(({ event }) => (event.type === "closed" ? { error: event.error } : {})),
  },
});

/**
 * One connection to the bus, as its process sees it. It mirrors what the client and the pulse tell,
 * and decides nothing.
 * - ready: connected, and the server answers.
 * - silent: connected, but the server owes an answer.
 * - reconnecting: there is no connection; the client tries for ever.
 * - closed: for good, by the process or by an error.
 */
export const connectionMachine = connection.createMachine({
  id: "connection",
  context: ({ input }) => ({ ...input, losses: 0, silentMs: 0 }),
  initial: "ready",
  on: {
    disconnected: { target: ".reconnecting", actions: "noteLoss" },
    closed: { target: ".closed", actions: "noteError" },
  },
  states: {
    ready: {
      tags: "usable",
      on: { silent: { target: "silent", actions: "noteSilence" } },
    },
    silent: {
      on: {
        silent: { actions: "noteSilence" },
        answered: { target: "ready", actions: "noteAnswer" },
      },
    },
    reconnecting: {
      on: {
        disconnected: {},
        reconnected: { target: "ready", actions: "noteServer" },
      },
    },
    closed: { type: "final" },
  },
});
