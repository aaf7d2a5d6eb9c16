import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { lastBySubject } from "../../src/bus/results.ts";
import type { HealthReport } from "../../src/http/port.ts";
import type { Heartbeat } from "../../src/messages/worker.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { hasPrivateNats, startPrivateNats, useNats } from "../support/nats.ts";

useNats();

test.skipIf(!hasPrivateNats())(
  "nats-server killed -9 and started again: work goes on and nothing is lost",
  async ({ task }) => {
    const server = await startPrivateNats();
    const cluster = await Cluster.start(task, server);
    await cluster.worker("w1");
    await cluster.publish("normal", {
      flowId: "s",
      executionId: "across",
      flowData: slowFlow(2_500),
    });
    await cluster.events.first(({ kind }) => kind === "started");
    const restarted = new Promise<void>((resolve) => server.onRestart(() => resolve()));
    process.kill(server.pid as number, "SIGKILL");
    await restarted;
    await expect
      .poll(
        () =>
          cluster
            .publish("normal", { flowId: "n", executionId: "after", flowData: NOOP_FLOW })
            .then(
              () => true,
              () => false,
            ),
        { timeout: 10_000 },
      )
      .toBe(true);
    const result = async (id: string) => {
      const { jsm, names } = cluster.bus;
      const stored = await jsm.streams.getMessage(names.streams.results, {
        last_by_subj: names.result(id),
      });
      return stored?.json<{ status: string }>().status;
    };
    await expect
      .poll(() => result("across").catch(() => undefined), { timeout: 15_000 })
      .toBe("completed");
    await expect
      .poll(() => result("after").catch(() => undefined), { timeout: 15_000 })
      .toBe("completed");
    // The memory stream of the beats vanished with the server; it has been made again and is filled.
    const lastBeat = () => {
      const { jsm, names } = cluster.bus;
      return lastBySubject<Heartbeat>(jsm, names.streams.heartbeats, names.heartbeat("w1"));
    };
    await expect
      .poll(() => lastBeat().catch(() => undefined), { timeout: 10_000 })
      .toMatchObject({ workerId: "w1" });
    expect(cluster.states.bodies.filter(({ to }) => to === "offline")).toEqual([]);
    expect(cluster.firstOrchestrator.output).toMatch(/connection to the bus lost/);
  },
);

const FROZEN_MS = 20_000;

test.skipIf(!hasPrivateNats())(
  "nats-server frozen for 20 s under load: nobody is given up, health and log say so, nothing is lost",
  { timeout: 120_000 },
  async ({ task }) => {
    const server = await startPrivateNats();
    const http = { BATUTA_HTTP_ENABLED: "true", BATUTA_HTTP_PORT: "0" };
    const cluster = await Cluster.start(task, server, http);
    const { firstOrchestrator, bus } = cluster;
    const url = /"httpUrl":"([^"]+)"/.exec(firstOrchestrator.output)?.[1] ?? "";
    await Promise.all(["w1", "w2"].map((workerId) => cluster.worker(workerId)));
    const ids = Array.from({ length: 200 }, (_, index) => `load-${index}`);
    const message = { flowId: "load", flowData: slowFlow(100) };
    for (const executionId of ids)
      await cluster.publish("normal", { ...message, executionId }, executionId);
    await cluster.results.count(10);

    process.kill(server.pid as number, "SIGSTOP");
    const over = pause(FROZEN_MS);
    await firstOrchestrator.says(/"bus does not answer"/);
    await firstOrchestrator.says(/"verdicts frozen"/);
    const ready = await fetch(`${url}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({
      reasons: [expect.stringMatching(/has not answered for \d/)],
    });
    const health = await fetch(`${url}/orchestrator/health`);
    expect(health.status).toBe(503);
    const { checks } = (await health.json()) as HealthReport;
    expect(checks).toContainEqual(expect.objectContaining({ name: "bus", status: "critical" }));
    await pause(FROZEN_MS / 2);
    const during = cluster.publish("high", { ...message, executionId: "during" }, "during");
    await over;
    process.kill(server.pid as number, "SIGCONT");

    await during;
    await firstOrchestrator.says(/"bus answers again"/);
    await firstOrchestrator.says(/"verdicts thawed"/);
    const results = bus.names.streams.results;
    const stored = async () => (await bus.jsm.streams.info(results)).state;
    await expect
      .poll(async () => (await stored()).messages, { timeout: 15_000 })
      .toBe(ids.length + 1);
    expect((await stored()).last_seq).toBe(ids.length + 1);
    expect(cluster.states.bodies.filter(({ to }) => to === "offline")).toEqual([]);
    await expect.poll(async () => (await fetch(`${url}/readyz`)).status).toBe(200);
  },
);
