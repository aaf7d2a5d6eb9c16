import { assign, setup } from "xstate";

export type CounterEvent =
  | { readonly type: "add" }
  | { readonly type: "boom" }
  | { readonly type: "guardBoom" }
  | { readonly type: "timerBoom" }
  | { readonly type: "loop" }
  | { readonly type: "finish" };

export interface CounterContext {
  readonly count: number;
}

const counter = setup({
  types: {
    context: {} as CounterContext,
    events: {} as CounterEvent,
    input: {} as { readonly count: number },
    output: {} as number,
  },
  delays: { tick: 1_000, month: 30 * 24 * 3_600_000 },
  guards: {
    throws: () => {
      throw new Error("guard failed");
    },
  },
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    throws: () => {
      throw new Error("action failed");
    },
    effect: () => {},
  },
});

/** A machine that counts, and fails in every way in which a machine can. */
export const counterMachine = counter.createMachine({
  id: "counter",
  options: { maxIterations: 100 },
  context: ({ input }) => {
    if (input.count < 0) throw new Error("context failed");
    return { count: input.count };
  },
  output: ({ context }) => context.count,
  initial: "counting",
  on: { finish: ".finished", timerBoom: ".waiting", loop: ".looping" },
  states: {
    counting: {
      on: {
        add: { actions: ["count", "effect"] },
        boom: { actions: "throws" },
        guardBoom: { guard: "throws", actions: "count" },
      },
      after: { month: "expired" },
    },
    waiting: { after: { tick: { actions: "throws", target: "counting" } } },
    looping: { always: "loopingToo" },
    loopingToo: { always: "looping" },
    expired: {},
    finished: { type: "final" },
  },
});
