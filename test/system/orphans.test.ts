import { expect, test } from "vitest";
import { publishStored } from "../../src/bus/publish.ts";
import { DISPATCH_CONSUMER } from "../../src/messages/subjects.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";
import { makeOrphans } from "../support/orphans.ts";

const nats = useNats();

const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "500ms" };
const OFTEN = { BATUTA_JANITOR_INTERVAL: "300ms" };

test("orphans of a lane are put back and end once; of what has ended only the rest is removed", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const { bus, firstOrchestrator } = cluster;
  const { results, flows } = bus.names.streams;
  // Without a worker no orchestrator takes from the lane.
  const ids = ["a", "b", "c"];
  for (const executionId of ids) {
    await cluster.publish("normal", { flowId: "f", executionId, flowData: NOOP_FLOW }, executionId);
  }
  const nameless = await cluster.publish("normal", { flowId: "f", flowData: NOOP_FLOW });
  await cluster.publish("normal", { flowId: "f", executionId: "ended", flowData: NOOP_FLOW });
  await publishStored(bus, bus.names.result("ended"), JSON.stringify({ executionId: "ended" }));
  await makeOrphans(bus, "normal", 5);
  firstOrchestrator.kill("SIGTERM");
  await firstOrchestrator.exited();
  const tidy = await cluster.orchestrator(OFTEN);
  await cluster.worker("w1");
  const all = [...ids, `${flows.normal}-${nameless.seq}`];
  for (const executionId of all) {
    expect(await cluster.result(executionId)).toMatchObject({ status: "completed", attempts: 1 });
  }
  await tidy.says(/"executionId":"ended".*orphan removed/);
  expect(tidy.output.match(/orphan put back/g)).toHaveLength(4);
  expect(tidy.output).toMatch(/"lane":"normal","sequence":1,"executionId":"a"/);
  await expect.poll(async () => (await bus.jsm.streams.info(flows.normal)).state.messages).toBe(0);
  const { state } = await bus.jsm.streams.info(results);
  expect(state).toMatchObject({ messages: 5, last_seq: 5 });
  expect(cluster.events.bodies.filter(({ executionId }) => executionId === "ended")).toEqual([]);
});

test("a lane whose consumer was deleted gets it back, and what waits in it runs", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { ...ACK_WAIT, ...OFTEN });
  const { jsm, names } = cluster.bus;
  await cluster.worker("w1");
  await jsm.consumers.delete(names.streams.flows.low, DISPATCH_CONSUMER);
  await cluster.publish("low", { flowId: "f", executionId: "waits", flowData: NOOP_FLOW });
  await cluster.firstOrchestrator.says(/lanes could not be looked through/);
  expect(await cluster.result("waits")).toMatchObject({ status: "completed" });
});
