import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, type TestContext, test } from "vitest";
import type { DoneMessage } from "../../src/messages/worker.ts";
import type { Child } from "../support/child.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { openCutNetwork } from "../support/cut-network.ts";
import { hasPrivateNats, startPrivateNats, useNats } from "../support/nats.ts";
import { Recording } from "../support/record.ts";

useNats();

/** Far longer than any of these tests may take: what comes back sooner was not waited for. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "120s", BATUTA_RETRY_BACKOFF: "10ms" };
/** The same as for one that was killed: beats that stop are all that is known of either. */
const TAKE_OVER_MS = 12_000;

/** Processes that can be cut off, on a server of this test alone: it has to be reached over their links. */
async function start(task: TestContext["task"]) {
  const network = await openCutNetwork();
  onTestFinished(() => network[Symbol.asyncDispose]());
  const server = await startPrivateNats({ host: network.host });
  const cluster = await Cluster.start(task, server, ACK_WAIT);
  return { cluster, network, link: () => network.link(server.url) };
}

/** Flows run until it is opened, however slow this machine is. */
async function closedGate() {
  const waiting: ServerResponse[] = [];
  let isOpen = false;
  const server = createServer((_, response) => {
    if (isOpen) response.end("{}");
    else waiting.push(response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = {
    id: "ask",
    type: "http-request",
    config: { method: "GET", url, timeoutMs: 80_000 },
  };
  const open = () => {
    isOpen = true;
    for (const response of waiting) response.end("{}");
  };
  return { flowData: { name: "gate", version: 1, nodes: [ask], connections: [] }, open };
}

async function isThere(cluster: Cluster, executionId: string): Promise<void> {
  await cluster.publish("high", { flowId: "n", executionId, flowData: NOOP_FLOW });
  expect(await cluster.result(executionId)).toMatchObject({ status: "completed" });
}

/** Another one leads then than the one that was started with the cluster. */
async function takeTheLead(cluster: Cluster, next: Child): Promise<void> {
  cluster.firstOrchestrator.kill("SIGTERM");
  await cluster.firstOrchestrator.exited();
  await next.says(/"msg":"leading"/);
}

test.skipIf(!hasPrivateNats())(
  "a worker that is cut off loses its tasks, commits nothing late, and registers again by itself",
  async ({ task }) => {
    const { cluster, link } = await start(task);
    const { nc, names, jsm } = cluster.bus;
    const reports = new Recording<DoneMessage>(nc, names.done("remote"));
    const cable = await link();
    await cluster.worker("remote", {}, cable);
    const body = { flowId: "f", executionId: "contested", flowData: slowFlow(1_500) };
    await cluster.publish("normal", body);
    await cluster.events.first(({ kind }) => kind === "started");
    await cable.cut();
    const offline = await cluster.states.first(({ to }) => to === "offline");
    expect(offline).toMatchObject({ workerId: "remote" });
    await cluster.worker("heir");
    const result = await cluster.result("contested");
    expect(result).toMatchObject({ status: "completed", workerId: "heir", attempts: 2 });
    await cable.mend();
    const late = await reports.first(({ outcomes }) => outcomes.length > 0);
    expect(late.outcomes).toMatchObject([{ executionId: "contested", status: "fenced" }]);
    await cluster.states.first(
      ({ workerId, incarnation, to }) =>
        workerId === "remote" && incarnation > offline.incarnation && to === "healthy",
    );
    const { state } = await jsm.streams.info(names.streams.results);
    expect(state).toMatchObject({ messages: 1, last_seq: 1 });
  },
);

test.skipIf(!hasPrivateNats())(
  "a leader that is cut off is succeeded, its books are taken over, and it gives way when it is back",
  { timeout: 90_000 },
  async ({ task }) => {
    const { cluster, link } = await start(task);
    const gate = await closedGate();
    const cable = await link();
    const leader = await cluster.orchestrator({}, cable);
    await takeTheLead(cluster, leader);
    const doomed = await cluster.worker("doomed");
    const ids = ["long-1", "long-2", "long-3"];
    for (const executionId of ids)
      await cluster.publish("normal", { flowId: "f", executionId, flowData: gate.flowData });
    const started = () => cluster.events.bodies.filter(({ kind }) => kind === "started").length;
    await cluster.events.until(() => started() === 3);
    const heir = await cluster.orchestrator();
    await cluster.worker("other");

    await cable.cut();
    const cutAt = Date.now();
    await isThere(cluster, "while-nobody-leads");
    await heir.says(/"adopted":3/);
    await heir.says(/"msg":"leading"/);
    expect(Date.now() - cutAt).toBeLessThan(TAKE_OVER_MS);
    expect(leader.output).not.toMatch(/"msg":"worker left"/);
    doomed.kill("SIGKILL");
    await cluster.events.until(() => started() === 7);

    await cable.mend();
    await leader.says(/"given":3/);
    gate.open();
    expect(leader.output).toMatch(/"msg":"standing by"/);
    await cluster.results.count(4);
    for (const executionId of ids)
      expect(await cluster.result(executionId)).toMatchObject({ workerId: "other", attempts: 2 });
    await isThere(cluster, "afterwards");
    expect(leader.output.match(/"msg":"leading"/g)).toHaveLength(1);
    const { jsm, names } = cluster.bus;
    const { state } = await jsm.streams.info(names.streams.results);
    expect(state).toMatchObject({ messages: 5, last_seq: 5 });
  },
);
