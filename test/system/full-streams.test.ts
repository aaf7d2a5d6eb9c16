import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findDeadLetter } from "../../src/bus/dead-letters.ts";
import { findResult } from "../../src/bus/results.ts";
import { runCli } from "../../src/cli/run-cli.ts";
import { connect } from "../../src/client/client.ts";
import type { HealthReport } from "../../src/http/port.ts";
import { fakeTerminal } from "../cli/fake-terminal.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { temporaryDir, useNats } from "../support/nats.ts";
import { fillUp } from "../support/stream-limits.ts";

const nats = useNats();
const HTTP = { BATUTA_HTTP_ENABLED: "true", BATUTA_HTTP_PORT: "0" };
const FAILING_FLOW = {
  name: "fails",
  version: 1,
  nodes: [{ id: "f", type: "fail", config: { code: "NO", message: "no", retryable: false } }],
  connections: [],
};

function urlOf({ firstOrchestrator }: Cluster): string {
  return /"httpUrl":"([^"]+)"/.exec(firstOrchestrator.output)?.[1] ?? "";
}

function post(cluster: Cluster, body: unknown): Promise<Response> {
  return fetch(`${urlOf(cluster)}/orchestrator/execute`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

/** What health says of the streams. */
async function streamsCheck(cluster: Cluster) {
  const response = await fetch(`${urlOf(cluster)}/orchestrator/health`);
  const { checks } = (await response.json()) as HealthReport;
  return checks.find(({ name }) => name === "streams");
}

async function inLane({ bus }: Cluster): Promise<number> {
  return (await bus.jsm.streams.info(bus.names.streams.flows.normal)).state.messages;
}

test("a full lane refuses publishers in plain words, keeps what it has, and goes on when there is room", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const { bus } = cluster;
  const lane = bus.names.streams.flows.normal;
  await bus.jsm.streams.update(lane, { max_msgs: 2 });
  const message = { flowId: "f", flowData: NOOP_FLOW };
  for (const executionId of ["first", "second"])
    await cluster.publish("normal", { ...message, executionId }, executionId);

  const client = await connect({ url: nats.url, prefix: bus.names.prefix });
  onTestFinished(() => client.close());
  const run = client.run(NOOP_FLOW, {}, { executionId: "sdk" });
  await expect(run).rejects.toMatchObject({ code: "LANE_FULL", retryable: true });

  const refused = await post(cluster, { ...message, executionId: "http" });
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await refused.json()).toMatchObject({ code: "LANE_FULL", retryable: true });

  const terminal = fakeTerminal();
  const file = join(await temporaryDir(), "flow.json");
  await writeFile(file, JSON.stringify({ ...message, executionId: "cli" }));
  const where = ["--url", nats.url, "--prefix", bus.names.prefix];
  expect(await runCli(["submit", file, ...where], terminal)).toBe(3);
  expect(terminal.err()).toMatch(/flows\.execute\.normal is full \(maximum messages exceeded\)/);
  expect(terminal.err()).toMatch(/next: .*batuta queues/);

  expect(await streamsCheck(cluster)).toMatchObject({
    status: "degraded",
    detail: `${lane} holds 2 of 2 messages and refuses what goes beyond`,
  });
  await cluster.worker("w1");
  for (const executionId of ["first", "second"])
    expect(await cluster.result(executionId)).toMatchObject({ status: "completed" });
  await expect.poll(() => inLane(cluster)).toBe(0);
  expect((await post(cluster, { ...message, executionId: "http" })).status).toBe(202);
  expect(await cluster.result("http")).toMatchObject({ status: "completed" });
  expect(await streamsCheck(cluster)).toMatchObject({ status: "healthy" });
});

test("outcomes that a full stream refuses are not acked; each is stored once when there is room", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const { bus, firstOrchestrator } = cluster;
  const { results, dead } = bus.names.streams;
  const worker = await cluster.worker("w1");
  const makeRoomForResults = await fillUp(bus, results);
  const makeRoomForLetters = await fillUp(bus, dead);
  await cluster.publish("normal", { flowId: "f", executionId: "done", flowData: NOOP_FLOW });
  await cluster.publish("normal", { flowId: "f", executionId: "fails", flowData: FAILING_FLOW });
  await cluster.publish("normal", { flowId: "f", executionId: "bad", flowData: "no flow" });

  await worker.says(/maximum bytes exceeded.*result is refused; trying again/);
  await firstOrchestrator.says(/maximum bytes exceeded.*outcome is refused; trying again/);
  expect(await streamsCheck(cluster)).toMatchObject({
    status: "degraded",
    detail: expect.stringContaining("maximum bytes exceeded"),
  });
  expect(await inLane(cluster)).toBe(3);
  await makeRoomForResults();
  const stored = async (id: string) => (await findResult(bus, id))?.status;
  await expect.poll(() => stored("done"), { timeout: 10_000 }).toBe("completed");
  for (const id of ["fails", "bad"])
    await expect.poll(() => stored(id), { timeout: 10_000 }).toBe("failed");
  // Their records are there, their dead letters are not: they are not done with.
  await expect.poll(() => inLane(cluster)).toBe(2);
  await makeRoomForLetters();
  for (const id of ["fails", "bad"]) {
    const letter = () => findDeadLetter(bus, "normal", id);
    await expect.poll(letter, { timeout: 10_000 }).toMatchObject({ executionId: id });
  }
  await expect.poll(() => inLane(cluster)).toBe(0);
  expect((await bus.jsm.streams.info(results)).state).toMatchObject({ messages: 3, last_seq: 3 });
  expect((await bus.jsm.streams.info(dead)).state).toMatchObject({ messages: 2, last_seq: 2 });
});
