import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { hasPrivateNats, useNats } from "../support/nats.ts";
import { startTunedServer } from "../support/raw-server.ts";

useNats();

/** Who does not read for half a second while this much waits for it is cut off. */
const IMPATIENT = ['write_deadline: "500ms"', "max_pending: 1MB", "max_payload: 512KB"];
const PIECE = new Uint8Array(256 * 1_024);
/** No redelivery helps within the time of a test. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "120s" };

async function impatientCluster(task: Parameters<typeof Cluster.start>[0]) {
  const server = await startTunedServer(IMPATIENT);
  const cluster = await Cluster.start(task, server, ACK_WAIT);
  const cutOff = async () => {
    const response = await fetch(`${server.monitoringUrl}/varz`);
    return ((await response.json()) as { slow_consumers: number }).slow_consumers;
  };
  return { server, cluster, cutOff };
}

/** Publishes on a subject, whatever becomes of it, until the server has cut off `count` more. */
async function flood(
  { bus }: Cluster,
  subjects: readonly string[],
  cutOff: () => Promise<number>,
  count: number,
): Promise<void> {
  const before = await cutOff();
  while ((await cutOff()) < before + count) {
    for (const subject of subjects) bus.nc.publish(subject, PIECE);
    await bus.nc.flush();
  }
}

async function run(cluster: Cluster, ids: readonly string[]): Promise<void> {
  const message = { flowId: "f", flowData: NOOP_FLOW };
  for (const executionId of ids) await cluster.publish("normal", { ...message, executionId });
}

async function expectEachEndsOnce({ bus, results }: Cluster, count: number): Promise<void> {
  await results.until((bodies) => new Set(bodies.map((each) => each.executionId)).size === count);
  const info = async () => (await bus.jsm.streams.info(bus.names.streams.results)).state;
  await expect.poll(info).toMatchObject({ messages: count, last_seq: count });
}

test.skipIf(!hasPrivateNats())(
  "a subscriber that does not read what it asked for is cut off, and nobody else notices",
  async ({ task }) => {
    const { server, cluster, cutOff } = await impatientCluster(task);
    await cluster.worker("w1");
    const { port, hostname } = new URL(server.url);
    const lazy = connectSocket(Number(port), hostname);
    onTestFinished(() => void lazy.destroy());
    await once(lazy, "data");
    lazy.write('CONNECT {"verbose":false}\r\nSUB > 1\r\nPING\r\n');
    await once(lazy, "data");
    lazy.pause();
    const ids = Array.from({ length: 50 }, (_, index) => `beside-${index}`);
    await run(cluster, ids);
    await flood(cluster, [`${cluster.bus.names.prefix}.flood`], cutOff, 1);
    await run(cluster, ["after"]);
    await expectEachEndsOnce(cluster, ids.length + 1);
    expect(cluster.firstOrchestrator.output).not.toContain("connection to the bus lost");
    expect(cluster.states.bodies.filter(({ to }) => to === "offline")).toEqual([]);
  },
);

test.skipIf(!hasPrivateNats())(
  "an orchestrator that the server cuts off as too slow comes back, says so, and loses nothing",
  async ({ task }) => {
    const { cluster, cutOff } = await impatientCluster(task);
    const { firstOrchestrator, bus } = cluster;
    await cluster.worker("w1");
    await run(cluster, ["before"]);
    await cluster.result("before");
    firstOrchestrator.kill("SIGSTOP");
    // Some of these are on their way to it when it is cut off.
    await run(cluster, ["meanwhile-1", "meanwhile-2", "meanwhile-3"]);
    await flood(cluster, [bus.names.heartbeat("ghost"), bus.names.done("ghost")], cutOff, 2);
    firstOrchestrator.kill("SIGCONT");
    for (const connection of ["data", "control"]) {
      await firstOrchestrator.says(new RegExp(`"connection":"${connection}".*bus lost"`));
      await firstOrchestrator.says(new RegExp(`"connection":"${connection}".*bus again"`));
    }
    await run(cluster, ["after"]);
    await expectEachEndsOnce(cluster, 5);
  },
);

test.skipIf(!hasPrivateNats())(
  "a worker that the server cuts off as too slow is given up, comes back, and loses nothing",
  async ({ task }) => {
    const { cluster, cutOff } = await impatientCluster(task);
    const slow = await cluster.worker("slow");
    const held = { flowId: "f", executionId: "held", flowData: slowFlow(1_500) };
    await cluster.publish("normal", held);
    await cluster.events.first(({ kind }) => kind === "started");
    slow.kill("SIGSTOP");
    await flood(cluster, [cluster.bus.names.workerControl("slow")], cutOff, 1);
    await cluster.states.first(({ to }) => to === "offline");
    slow.kill("SIGCONT");
    await slow.says(/connection to the bus lost/);
    await slow.says(/connected to the bus again/);
    expect(await cluster.result("held")).toMatchObject({ status: "completed" });
    await run(cluster, ["after"]);
    expect(await cluster.result("after")).toMatchObject({ workerId: "slow" });
    await expectEachEndsOnce(cluster, 2);
  },
);
