import { expect, onTestFinished, type TestContext, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import type { LaneMessage } from "../../src/bus/intake.ts";
import { PulledTasks } from "../../src/bus/pulled-tasks.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { WorkerLink } from "../../src/bus/worker-link.ts";
import { DISPATCH_CONSUMER } from "../../src/messages/subjects.ts";
import type { DoneMessage, PullReport } from "../../src/messages/worker.ts";
import { testPrefix, useNats } from "../support/nats.ts";
import { Recording } from "../support/record.ts";

const nats = useNats();

async function openBus(task: TestContext["task"]): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix: testPrefix(task), name: "test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

/** A link that reports what `pulls` gives, and does nothing else. */
function linkOf(bus: Bus, pulls: () => PullReport[]): WorkerLink {
  return new WorkerLink(bus, "w1", "01C", {
    task: () => undefined,
    control: () => {},
    free: () => 0,
    committing: () => 0,
    draining: () => false,
    drain: () => undefined,
    pulls,
    held: () => [],
    malformed: () => {},
  });
}

test("a task that cannot be taken goes back to its lane, and those behind it are taken", async ({
  task,
}) => {
  const bus = await openBus(task);
  const { nc, js, names } = bus;
  const faults: unknown[] = [];
  let heard = () => {};
  const both = new Promise<void>((resolve) => {
    heard = resolve;
  });
  let count = 0;
  const pulled = new PulledTasks(bus, "w1", {
    pulled: (message: LaneMessage) => {
      count += 1;
      if (count === 2) heard();
      if (count === 1) throw new Error("cannot be taken");
      return { executionId: `e-${message.sequence}`, flowId: "f" };
    },
    report: () => {},
    fault: (error) => faults.push(error),
  });
  onTestFinished(() => pulled.stop());
  pulled.takeFrom("orchestrator");
  for (const body of ["1", "2"]) await js.publish(names.execute("high"), body);
  const stream = names.streams.flows.high;
  nc.publish(
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${DISPATCH_CONSUMER}`,
    JSON.stringify({ batch: 2, no_wait: true }),
    { reply: names.pulled("w1", "orchestrator.high.1") },
  );
  await both;
  const [report] = pulled.takeReports();
  expect(report).toMatchObject({ by: "orchestrator", lane: "high", returned: 1 });
  expect(report?.took.map(({ executionId }) => executionId)).toEqual(["e-2"]);
  expect(faults).toEqual([new Error("cannot be taken")]);
  const consumer = await js.consumers.get(stream, DISPATCH_CONSUMER);
  const again = await consumer.next({ expires: 5_000 });
  expect(again?.info).toMatchObject({ streamSequence: 1, deliveryCount: 2 });
});

test("what was taken is told in parts that fit, and its end with the last of them", async ({
  task,
}) => {
  const bus = await openBus(task);
  const dones = new Recording<DoneMessage>(bus.nc, bus.names.done("w1"));
  const took = Array.from({ length: 450 }, (_, index) => ({
    executionId: `e-${index}`,
    flowId: "f",
    ackSubject: `$JS.ACK.S.dispatch.1.${index}.${index}.0.0`,
  }));
  const end = { pull: "7", outcome: "short" } as const;
  const reports: PullReport[] = [{ by: "orchestrator", lane: "high", took, returned: 3, end }];
  linkOf(bus, () => reports.splice(0)).report();
  const parts = (await dones.count(3)).flatMap(({ pulls = [] }) => pulls);
  expect(parts.map((part) => part.took.length)).toEqual([200, 200, 50]);
  expect(parts.flatMap((part) => part.took)).toEqual(took);
  expect(parts.map((part) => [part.returned, part.end])).toEqual([
    [0, undefined],
    [0, undefined],
    [3, end],
  ]);
});
