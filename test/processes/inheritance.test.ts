import { expect, onTestFinished, type TestContext, test } from "vitest";
import { Assignments } from "../../src/bus/assignments.ts";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { watchPeers } from "../../src/processes/inheritance.ts";
import { openProxies } from "../support/cut-proxies.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

test("an orchestrator tells what it holds only once it has read what the server had sent it before", async ({
  task,
}) => {
  const network = openProxies("of this test");
  onTestFinished(() => network[Symbol.asyncDispose]());
  const link = await network.link(nats.url);
  const data = await connect(task, link.url);
  const control = await connect(task, nats.url);
  const held: number[] = [];
  data.nc.subscribe(`${data.names.execute("normal")}.delivered`, {
    callback: (_, msg) => void held.push(Number(msg.string())),
  });
  await data.nc.flush();
  watch(data, control, () => held);

  const { nc, names } = await connect(task, nats.url);
  const subject = names.orchestratorControl("asked");
  const ask = (order: object) => nc.request(subject, JSON.stringify(order), { timeout: 10_000 });
  await expect
    .poll(() =>
      ask({ action: "ping" }).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  await link.cut();
  nc.publish(`${names.execute("normal")}.delivered`, "7");
  await nc.flush();
  const answer = ask({ action: "held", lane: "normal" });
  // Orders are read one after the other: by now the one before has been.
  await ask({ action: "ping" });
  await link.mend();
  expect((await answer).json()).toEqual({ ok: true, held: [7] });
});

function watch(data: Bus, control: Bus, own: () => readonly number[]): void {
  const peers = watchPeers({
    orchestratorId: "asked",
    data,
    control,
    assignments: new Assignments(data, { refused: () => {}, gone: () => {} }),
    own,
    adopted: () => {},
    workerIds: () => [],
    leadership: () => undefined,
    ackWaitMs: 30_000,
    doubt: () => {},
    cutOff: () => {},
    back: () => {},
    log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
    fault: (error) => {
      throw error;
    },
  });
  onTestFinished(() => peers.stop());
  peers.start();
}

async function connect(task: TestContext["task"], url: string): Promise<Bus> {
  const bus = await connectBus({ url, prefix: testPrefix(task), name: "test" });
  onTestFinished(() => bus.close());
  return bus;
}
