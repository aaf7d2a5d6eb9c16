import { expect, test } from "vitest";
import type { DoneMessage } from "../../src/messages/worker.ts";
import { Cluster, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";
import { Recording } from "../support/record.ts";

const nats = useNats();

test("a worker that comes back after it was given up commits nothing", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_TASK_ACK_WAIT: "120s" });
  const { nc, names, jsm } = cluster.bus;
  const reports = new Recording<DoneMessage>(nc, names.done("zombie"));
  const zombie = await cluster.worker("zombie");
  const body = { flowId: "f", executionId: "contested", flowData: slowFlow(1_500) };
  await cluster.publish("normal", body);
  await cluster.events.first(({ kind, workerId }) => kind === "started" && workerId === "zombie");
  zombie.kill("SIGSTOP");
  await cluster.states.first(({ workerId, to }) => workerId === "zombie" && to === "offline");
  await cluster.worker("heir");
  const result = await cluster.result("contested");
  expect(result).toMatchObject({ status: "completed", workerId: "heir", attempts: 2 });
  zombie.kill("SIGCONT");
  const { outcomes } = await reports.first((done) => done.outcomes.length > 0);
  expect(outcomes).toMatchObject([{ executionId: "contested", attempt: 1, status: "fenced" }]);
  expect(cluster.results.bodies).toHaveLength(1);
  const { state } = await jsm.streams.info(names.streams.results);
  expect(state).toMatchObject({ messages: 1, last_seq: 1 });
});
