import { headers, type NatsConnection } from "nats";
import { connect as connectLegacy } from "nats-legacy";
import { expect, onTestFinished, test } from "vitest";
import { LANES, type Lane } from "../../src/domain/lane.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const FIFTY_SLOTS = { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "50", BATUTA_LOG_LEVEL: "warn" };

test("the old nats 2 client publishes 1,000 flows over three lanes, and 1,000 results come, each once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1", FIFTY_SLOTS);
  const legacy = await connectLegacy({ servers: nats.url });
  onTestFinished(() => legacy.close());
  const js = legacy.jetstream();
  const ids = Array.from({ length: 1_000 }, (_, index) => `legacy-${index}`);
  await Promise.all(
    ids.map((executionId, index) => {
      const lane = LANES[index % 3] as Lane;
      const body = JSON.stringify({ flowId: "noop", executionId, flowData: NOOP_FLOW });
      return js.publish(cluster.bus.names.execute(lane), body, { msgID: executionId });
    }),
  );
  const results = await cluster.results.count(1_000);
  expect(results.map(({ executionId }) => executionId).sort()).toEqual([...ids].sort());
  expect(results.every(({ status }) => status === "completed")).toBe(true);
});

test("with 3,000 queued per lane completions go 8:3:1 until the high lane is empty, and low never stops", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  for (const lane of LANES) await enqueue(cluster.bus.nc, cluster, lane, 3_000);
  await cluster.worker("w1", FIFTY_SLOTS);
  const results = await cluster.results.count(9_000);
  const lanes = results.map(({ lane }) => lane);
  const untilHighIsEmpty = lanes.slice(0, lanes.lastIndexOf("high") + 1);
  const share = (lane: Lane) =>
    (100 * untilHighIsEmpty.filter((each) => each === lane).length) / untilHighIsEmpty.length;
  expect(Math.abs(share("high") - 66.7)).toBeLessThan(5);
  expect(Math.abs(share("normal") - 25)).toBeLessThan(5);
  expect(Math.abs(share("low") - 8.3)).toBeLessThan(5);
  for (let start = 0; start + 300 <= untilHighIsEmpty.length; start += 300) {
    expect(untilHighIsEmpty.slice(start, start + 300)).toContain("low");
  }
});

test("there are never more tasks in flight than slots", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  const flowData = { ...NOOP_FLOW, nodes: [{ id: "d", type: "delay", config: { delayMs: 30 } }] };
  await enqueue(cluster.bus.nc, cluster, "normal", 60, flowData);
  await cluster.worker("w1");
  await cluster.worker("w2");
  await cluster.results.count(60);
  let running = 0;
  let most = 0;
  for (const { kind } of cluster.events.bodies) {
    if (kind === "assigned") most = Math.max(most, ++running);
    if (kind === "completed") running -= 1;
  }
  // Two workers of 5 slots, filled to 80 %.
  expect(most).toBeLessThanOrEqual(8);
});

test("headers of the publisher travel with the task, and a message id makes publishing repeatable", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const seen: string[] = [];
  cluster.bus.nc.subscribe(cluster.bus.names.task("*"), {
    callback: (_, msg) => {
      seen.push(msg.headers?.get("traceparent") ?? "");
    },
  });
  await cluster.worker("w1");
  const head = headers();
  head.set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  head.set("Nats-Msg-Id", "once");
  const body = JSON.stringify({ flowId: "noop", executionId: "once", flowData: NOOP_FLOW });
  const subject = cluster.bus.names.execute("high");
  const first = await cluster.bus.js.publish(subject, body, { headers: head });
  const second = await cluster.bus.js.publish(subject, body, { headers: head });
  expect([first.duplicate, second.duplicate]).toEqual([false, true]);
  await cluster.result("once");
  expect(seen).toEqual([expect.stringContaining("0af7651916cd43dd")]);
});

async function enqueue(
  nc: NatsConnection,
  cluster: Cluster,
  lane: Lane,
  count: number,
  flowData: object = NOOP_FLOW,
) {
  const subject = cluster.bus.names.execute(lane);
  const messages = Array.from({ length: count }, (_, index) =>
    JSON.stringify({ flowId: "f", executionId: `${lane}-${index}`, flowData }),
  );
  for (let start = 0; start < count; start += 200) {
    await Promise.all(
      messages
        .slice(start, start + 200)
        .map((body) => cluster.bus.js.publish(subject, body, { timeout: 15_000 })),
    );
  }
  await nc.flush();
}
