import { expect, type TestContext, test } from "vitest";
import type { Bus } from "../../src/bus/connect.ts";
import { Cluster, slowFlow } from "../support/cluster.ts";
import { hasPrivateNats, useNats } from "../support/nats.ts";
import { NatsCluster } from "../support/nats-cluster.ts";

useNats();

/** An election takes about 7 s, and all of it runs beside three servers. */
const PATIENCE = { timeout: 120_000 };
const COUNT = 120;
/** An ack that was on its way to the server that is killed is lost: the message comes again after this. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "10s" };
const PUBLISHERS = 4;

/** Publishes as applications do: one after the other, each until it is stored. */
async function publishAll(cluster: Cluster): Promise<void> {
  const ids = Array.from({ length: COUNT }, (_, index) => `load-${index}`).values();
  const publisher = async () => {
    for (const executionId of ids) {
      const message = { flowId: "load", executionId, flowData: slowFlow(50) };
      await cluster.publish("normal", message, executionId);
    }
  };
  await Promise.all(Array.from({ length: PUBLISHERS }, publisher));
}

interface Loss {
  /** The stream whose leader is killed. */
  readonly of: (bus: Bus) => string;
  readonly isRestarted: boolean;
}

async function expectNothingLost(task: TestContext["task"], loss: Loss): Promise<void> {
  const servers = await NatsCluster.start();
  const cluster = await Cluster.start(task, servers, { BATUTA_NATS_REPLICAS: "3", ...ACK_WAIT });
  const { bus } = cluster;
  await Promise.all(["w1", "w2"].map((workerId) => cluster.worker(workerId)));
  const published = publishAll(cluster);
  await cluster.results.count(COUNT / 5);
  const killed = await servers.killLeader(bus, loss.of(bus));
  if (loss.isRestarted) servers.start(killed);
  await published;
  const { results, flows } = bus.names.streams;
  const info = (stream: string) => bus.jsm.streams.info(stream).catch(() => undefined);
  const stored = async () => (await info(results))?.state.messages;
  await expect.poll(stored, { timeout: 60_000 }).toBe(COUNT);
  // Each record was the first of its subject: none was written twice.
  expect((await info(results))?.state.last_seq).toBe(COUNT);
  const left = async () => (await info(flows.normal))?.state.messages;
  await expect.poll(left, { timeout: 40_000 }).toBe(0);
}

test.skipIf(!hasPrivateNats())(
  "of three nats-servers the one that leads a lane is killed -9: each execution ends once",
  PATIENCE,
  ({ task }) =>
    expectNothingLost(task, { of: (bus) => bus.names.streams.flows.normal, isRestarted: false }),
);

test.skipIf(!hasPrivateNats())(
  "the one that leads the results is killed -9 and comes back: each execution ends once",
  PATIENCE,
  ({ task }) =>
    expectNothingLost(task, { of: (bus) => bus.names.streams.results, isRestarted: true }),
);
