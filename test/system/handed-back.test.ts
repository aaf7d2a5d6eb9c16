import { expect, test } from "vitest";
import { findUnheld, handBack } from "../../src/bus/unheld.ts";
import { DISPATCH_CONSUMER } from "../../src/messages/subjects.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { Gate } from "../support/gate.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

test("what somebody took for lost while its worker was at it is left to it", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_TASK_ACK_WAIT: "120s" });
  await Promise.all([cluster.worker("w1"), cluster.worker("w2")]);
  const gate = await Gate.open();
  const body = { flowId: "f", executionId: "e-1", flowData: gate.flow("long") };
  await cluster.publish("normal", body);
  await gate.isAsked("long");
  const { bus } = cluster;
  const unheld = await findUnheld(bus, "normal", { after: 0, isHeld: () => false });
  expect(unheld).toHaveLength(1);
  handBack(bus, "normal", unheld);
  bus.outbox.flush();
  const stream = bus.names.streams.flows.normal;
  const deliveries = async () =>
    (await bus.jsm.consumers.info(stream, DISPATCH_CONSUMER)).delivered.consumer_seq;
  await expect.poll(deliveries).toBeGreaterThan(1);
  // Redelivery goes first: once this has ended the other has been looked at.
  await cluster.publish("normal", { flowId: "f", executionId: "next", flowData: NOOP_FLOW });
  await cluster.result("next");
  expect(gate.asked).toEqual(["long"]);
  gate.answer("long");
  expect(await cluster.result("e-1")).toMatchObject({ status: "completed", attempts: 1 });
  await cluster.drained();
  expect(cluster.results.bodies).toHaveLength(2);
  const given = cluster.events.bodies.filter(({ kind }) => kind === "assigned");
  expect(given.map(({ executionId }) => executionId)).toEqual(["e-1", "next"]);
});
