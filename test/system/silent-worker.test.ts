import { ulid } from "ulid";
import { expect, test } from "vitest";
import type { Bus } from "../../src/bus/connect.ts";
import type { Heartbeat } from "../../src/messages/worker.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

test("a task that a worker swallowed, while it beats on, is run by another one", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const silent = await startSilentWorker(cluster.bus, "silent");
  await cluster.states.first(({ to }) => to === "healthy");
  await cluster.publish("normal", { flowId: "n", executionId: "lost", flowData: NOOP_FLOW });
  await silent.gotTask;
  await cluster.worker("honest");
  const result = await cluster.result("lost");
  expect(result).toMatchObject({ status: "completed", workerId: "honest", attempts: 2 });
  silent.stop();
});

/** Speaks the protocol, takes every task without a word, and never lists or reports one. */
async function startSilentWorker(bus: Bus, workerId: string) {
  const { nc, names } = bus;
  const incarnation = ulid();
  let takes = true;
  nc.subscribe(names.ping(workerId), {
    callback: (_, msg) => {
      msg.respond(JSON.stringify({ workerId, incarnation }));
    },
  });
  const gotTask = new Promise<void>((resolve) => {
    nc.subscribe(names.task(workerId), {
      callback: (_, msg) => {
        if (takes) resolve();
        else msg.respond(JSON.stringify({ refused: "busy", free: 0 }));
        takes = false;
      },
    });
  });
  const capacity = {
    maxConcurrentFlows: 1,
    maxConcurrentNodes: 1,
    memoryLimitMB: 1_024,
    cpuLimitCores: 1,
  };
  const registration = {
    workerId,
    incarnation,
    hostname: "test",
    pid: 1,
    version: "0",
    transport: "nats",
    capacity,
    supportedNodeTypes: ["noop"],
    heartbeatIntervalMs: 400,
  };
  await nc.request(names.register(workerId), JSON.stringify(registration), { timeout: 10_000 });
  let seq = 0;
  const beat = () =>
    nc.publish(names.heartbeat(workerId), JSON.stringify(idleBeat(workerId, incarnation, seq++)));
  const timer = setInterval(beat, 400);
  beat();
  return { gotTask, stop: () => clearInterval(timer) };
}

function idleBeat(workerId: string, incarnation: string, seq: number): Heartbeat {
  return {
    workerId,
    incarnation,
    seq,
    at: new Date().toISOString(),
    status: "healthy",
    currentLoad: {
      activeFlows: 0,
      activeNodes: 0,
      queuedTasks: 0,
      memoryUsagePercent: 10,
      cpuUsagePercent: 1,
    },
    performance: {
      tasksCompleted: 0,
      tasksInProgress: 0,
      averageExecutionTimeMs: 0,
      errorRate: 0,
      currentLoad: 0,
    },
    eventLoopLagMs: 0,
    inFlight: [],
  };
}
