import { expect, test } from "vitest";
import { publishStored } from "../../src/bus/publish.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";
import { makeOrphans } from "../support/orphans.ts";

const nats = useNats();

const OFTEN = { BATUTA_JANITOR_INTERVAL: "300ms", BATUTA_TASK_ACK_WAIT: "500ms" };

test("orphans of a lane are put back and end once; of what has ended only the rest is removed", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, OFTEN);
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
  await cluster.worker("w1");
  const all = [...ids, `${flows.normal}-${nameless.seq}`];
  for (const executionId of all) {
    expect(await cluster.result(executionId)).toMatchObject({ status: "completed", attempts: 1 });
  }
  await firstOrchestrator.says(/"executionId":"ended".*orphan removed/);
  expect(firstOrchestrator.output.match(/orphan put back/g)).toHaveLength(4);
  expect(firstOrchestrator.output).toMatch(/"lane":"normal","sequence":1,"executionId":"a"/);
  await expect.poll(async () => (await bus.jsm.streams.info(flows.normal)).state.messages).toBe(0);
  const { state } = await bus.jsm.streams.info(results);
  expect(state).toMatchObject({ messages: 5, last_seq: 5 });
  expect(cluster.events.bodies.filter(({ executionId }) => executionId === "ended")).toEqual([]);
});
