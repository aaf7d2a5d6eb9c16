import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { createActor, toPromise } from "xstate";
import { fromRemote } from "../../actors/from-remote.ts";
import { Client } from "../../src/client/client.ts";
import { Cluster } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const EXAMPLE = fileURLToPath(new URL("../../examples/05-watch-remote-actor.ts", import.meta.url));
const TSX = fileURLToPath(new URL("../../node_modules/.bin/tsx", import.meta.url));

/** The example as a person runs it; resolves with all that it printed once it has ended. */
function runExample(cluster: Cluster, workerId: string) {
  const child = spawn(TSX, [EXAMPLE, workerId], { env: { ...process.env, ...cluster.env } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
      for (const listener of listeners) listener();
    });
  return {
    says: (pattern: RegExp) =>
      new Promise<void>((resolve) => {
        const look = () => pattern.test(output) && resolve();
        listeners.add(look);
        look();
      }),
    ended: new Promise<string>((resolve) => child.on("close", () => resolve(output))),
  };
}

test("the example sees a worker of another process, and that it has left", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const example = runExample(cluster, "w1");
  await example.says(/w1: healthy/);
  const drained = cluster.child(["drain", "w1"]);
  expect(await example.ended).toMatch(/w1: draining\n(.*\n)*w1: has left/);
  expect(await drained.exited()).toBe(0);
});

test("a worker that is killed has left; an orchestrator that is killed is silent", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const doomed = await cluster.worker("doomed");
  await cluster.worker("other");
  const client = new Client(cluster.bus);
  const mirrorOf = (address: string) => {
    const actor = createActor(fromRemote(address, { source: client.actors, silentMs: 6_000 }));
    const seen = new Promise<void>((resolve) => {
      actor.subscribe({
        next: ({ context }) => context?.state === "healthy" && resolve(),
        // Whoever waits for its end is told of it there.
        error: () => {},
      });
    });
    actor.start();
    return { actor, seen };
  };
  const killed = mirrorOf("worker/doomed");
  const silent = mirrorOf("worker/other");
  await Promise.all([killed.seen, silent.seen]);
  const end = toPromise(killed.actor);
  doomed.kill("SIGKILL");
  await end;
  expect(killed.actor.getSnapshot()).toMatchObject({
    status: "done",
    context: { state: "offline" },
  });
  const failure = toPromise(silent.actor).catch((error: unknown) => error);
  cluster.firstOrchestrator.kill("SIGKILL");
  expect(await failure).toMatchObject({ code: "REMOTE_ACTOR", trouble: "silent" });
});
