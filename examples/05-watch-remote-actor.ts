// A statechart of your own that watches a worker of another process as if it were its own child:
// `npx tsx examples/05-watch-remote-actor.ts w1`. Start `npx batuta worker --id w1` first, then
// drain it (`npx batuta drain w1`) or kill it, and see what the guardian makes of it.
import { connect } from "batuta";
import { fromRemote } from "batuta/actors";
import { createActor, setup } from "xstate";

const workerId = process.argv[2] ?? "worker-1";
await using client = await connect();

const guardian = setup({
  actors: { worker: fromRemote(`worker/${workerId}`, { source: client.actors }) },
  actions: {
    tell: (_, { text }: { text: string }) => console.log(`${workerId}: ${text}`),
  },
  guards: { isIll: (_, { state }: { state: string | undefined }) => state === "critical" },
}).createMachine({
  initial: "watching",
  invoke: {
    src: "worker",
    onSnapshot: [
      {
        guard: {
          type: "isIll",
          params: ({ event }) => ({ state: event.snapshot.context?.state }),
        },
        target: ".alarmed",
      },
      {
        actions: {
          type: "tell",
          params: ({ event }) => ({ text: event.snapshot.context?.state ?? "not seen yet" }),
        },
      },
    ],
    onDone: { target: ".alone", actions: { type: "tell", params: { text: "has left" } } },
    onError: {
      target: ".alone",
      actions: { type: "tell", params: ({ event }) => ({ text: String(event.error) }) },
    },
  },
  states: {
    watching: {},
    alarmed: { entry: { type: "tell", params: { text: "is critical: somebody should look" } } },
    alone: { type: "final" },
  },
});

const actor = createActor(guardian).start();
await new Promise<void>((resolve) => actor.subscribe({ complete: resolve }));
