import { expect, onTestFinished, type TestContext, test } from "vitest";
import { connectBus } from "../../src/bus/connect.ts";
import { Pinger } from "../../src/bus/pinger.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

test("a worker that answers is told with its incarnation, and one that is gone as unreachable", async ({
  task,
}) => {
  const heard = await pinging(task, ["here", "gone"], ["here"]);
  await expect.poll(() => heard).toMatchObject({ here: "of here", gone: "unreachable" });
});

test("each worker of a large fleet is asked within the second", async ({ task }) => {
  const ids = Array.from({ length: 600 }, (_, index) => `w${index}`);
  const heard = await pinging(task, ids, ids);
  await expect.poll(() => Object.keys(heard), { timeout: 5_000 }).toHaveLength(ids.length);
});

/** What a pinger of `ids` hears, of which those that are `there` answer. */
async function pinging(
  task: TestContext["task"],
  ids: readonly string[],
  there: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const prefix = testPrefix(task);
  const bus = await connectBus({ url: nats.url, prefix, name: `test ${prefix}` });
  onTestFinished(() => bus.close());
  for (const id of there) {
    bus.nc.subscribe(bus.names.ping(id), {
      callback: (_, msg) => void msg.respond(JSON.stringify({ incarnation: `of ${id}` })),
    });
  }
  const heard: Record<string, string> = {};
  const note = (workerId: string, what: string) => {
    heard[workerId] = what;
  };
  const pinger = new Pinger(bus, () => ids, {
    pong: (workerId, incarnation) => note(workerId, String(incarnation)),
    unreachable: (workerId) => note(workerId, "unreachable"),
  });
  onTestFinished(() => pinger.stop());
  pinger.start();
  return heard;
}
