import { expect, onTestFinished, type TestContext, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { FleetLink } from "../../src/bus/fleet-link.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();
const REPORTS = 2_000;

async function openBus(task: TestContext["task"], name: string): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix: testPrefix(task), name });
  onTestFinished(() => bus.close());
  return bus;
}

test("all that a worker has reported is heard before its goodbye", async ({ task }) => {
  const [control, data, worker] = await Promise.all(
    ["control", "data", "worker"].map((name) => openBus(task, name)),
  );
  const heard: string[] = [];
  let leave = () => {};
  const left = new Promise<void>((resolve) => {
    leave = resolve;
  });
  const link = new FleetLink(control as Bus, {
    register: () => Promise.reject(new Error("nobody registers here")),
    heartbeat: () => {},
    done: () => heard.push("done"),
    bye: () => {
      heard.push("bye");
      leave();
    },
    refused: ({ detail }) => heard.push(detail),
  });
  link.start(data as Bus);
  onTestFinished(() => link.stop());
  await Promise.all([control?.nc.flush(), data?.nc.flush()]);
  const { nc, names } = worker as Bus;
  const who = { workerId: "w1", incarnation: "01C" };
  const outcomes = Array.from({ length: 50 }, (_, at) => ({
    executionId: `e-${at}`,
    attempt: 1,
    status: "completed",
  }));
  for (let report = 0; report < REPORTS; report += 1)
    nc.publish(names.done("w1"), JSON.stringify({ ...who, free: 0, outcomes }));
  nc.publish(names.bye("w1"), JSON.stringify(who));
  await left;
  expect(heard).toEqual([...Array<string>(REPORTS).fill("done"), "bye"]);
});
