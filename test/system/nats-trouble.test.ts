import { expect, test } from "vitest";
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
    // The memory stream of the beats vanished with the server; it has been made again.
    const heartbeats = cluster.bus.names.streams.heartbeats;
    await expect
      .poll(async () => (await cluster.bus.jsm.streams.info(heartbeats)).config.name, {
        timeout: 10_000,
      })
      .toBe(heartbeats);
  },
);
