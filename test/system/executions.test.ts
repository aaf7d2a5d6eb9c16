import { expect, test } from "vitest";
import type { ExecutionPage, ExecutionView } from "../../src/messages/execution-view.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const SETTINGS = {
  BATUTA_TASK_ACK_WAIT: "120s",
  // The delay is random below it: of a minute one in ten would be over before these tests are.
  BATUTA_RETRY_BACKOFF: "24h",
  BATUTA_RETRY_BACKOFF_MAX: "24h",
  BATUTA_HTTP_ENABLED: "true",
  BATUTA_HTTP_PORT: "0",
};

test("the list shows what runs, what waits for a retry and what has ended, by command and over HTTP", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SETTINGS);
  const url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  await cluster.worker("w1");
  for (const id of ["one", "two", "three"]) await runs(cluster, id, "good", NOOP_FLOW);
  await runs(cluster, "bad", "broken", failing(false));
  await publish(cluster, "flaky", "broken", failing(true));
  await cluster.events.first(({ kind }) => kind === "retrying");
  await publish(cluster, "long", "slow", slowFlow(600_000));
  await cluster.events.first(
    ({ kind, executionId }) => kind === "started" && executionId === "long",
  );

  const statuses = [
    ["long", "running"],
    ["flaky", "retrying"],
    ["bad", "failed"],
    ["three", "completed"],
    ["two", "completed"],
    ["one", "completed"],
  ];
  const all = await page(`${url}/executions`);
  expect(all.cursor).toBeNull();
  expect(all.executions.map(idAndStatus)).toEqual(statuses);
  expect(all.executions[0]).toMatchObject({ flowId: "slow", lane: "normal", workerId: "w1" });
  expect(all.executions[1]).toMatchObject({ flowId: "broken", attempts: 1 });
  const broken = await page(`${url}/executions?flowId=broken`);
  expect(broken.executions.map(idAndStatus)).toEqual(statuses.slice(1, 3));

  // A beat tells the command what runs.
  const listed = async () => {
    const { out } = await batuta(cluster, "executions", "ls", "-o", "json");
    return (JSON.parse(out) as ExecutionView[]).map(idAndStatus);
  };
  await expect.poll(listed, { timeout: 15_000 }).toEqual(statuses);

  const first = await page(`${url}/executions?status=completed&limit=2`);
  expect(first.executions.map(({ executionId }) => executionId)).toEqual(["three", "two"]);
  const rest = await page(`${url}/executions?status=completed&limit=2&cursor=${first.cursor}`);
  expect(rest.executions.map(({ executionId }) => executionId)).toEqual(["one"]);
  expect(rest.cursor).toBeNull();
});

test("an execution is shown, followed and cancelled by command, and exit codes tell how it went", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SETTINGS);
  await cluster.worker("w1");
  await runs(cluster, "done", "good", NOOP_FLOW);
  await publish(cluster, "long", "slow", slowFlow(600_000));
  await cluster.events.first(
    ({ kind, executionId }) => kind === "started" && executionId === "long",
  );
  const get = async (id: string) => JSON.parse((await batuta(cluster, ...show(id))).out);
  expect(await get("done")).toMatchObject({ executionId: "done", status: "completed" });
  expect(await get("long")).toMatchObject({ status: "running", workerId: "w1", flowId: "slow" });

  const following = cluster.child(["executions", "follow", "long", "-o", "jsonl"]);
  await following.says(/long is running/);
  const cancelled = await batuta(cluster, "executions", "cancel", "long", "--reason", "enough");
  expect(cancelled).toMatchObject({ exitCode: 0, out: "long is cancelled\n" });
  expect(await following.exited()).toBe(1);
  expect(following.output).toContain('"code":"CANCELLED"');

  const late = await batuta(cluster, "executions", "cancel", "done");
  expect(late).toMatchObject({ exitCode: 1, out: "done had completed before\n" });
  for (const command of ["get", "cancel", "follow"]) {
    const { exitCode, out, err } = await batuta(cluster, "executions", command, "nobody");
    expect([exitCode, out]).toEqual([4, ""]);
    expect(err).toContain("there is no execution nobody");
  }
  expect((await batuta(cluster, "executions", "cancel", "a.b")).exitCode).toBe(2);
});

test("an execution that waits is shown as queued or retrying, and cancelled over HTTP", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SETTINGS);
  const url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  await publish(cluster, "waits", "good", NOOP_FLOW);
  const get = async (id: string) => JSON.parse((await batuta(cluster, ...show(id))).out);
  expect(await get("waits")).toMatchObject({ status: "queued", lane: "normal", flowId: "good" });
  const cancel = (id: string) => fetch(`${url}/executions/${id}/cancel`, { method: "POST" });
  const answer = await cancel("waits");
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { executionId: "waits", cancelled: true },
  ]);
  expect((await cancel("nobody")).status).toBe(404);
  await cluster.worker("w1");
  await publish(cluster, "flaky", "broken", failing(true));
  await cluster.events.first(({ kind }) => kind === "retrying");
  expect(await get("flaky")).toMatchObject({ status: "retrying", attempts: 1, flowId: "broken" });
});

function show(id: string): readonly string[] {
  return ["executions", "get", id, "-o", "json"];
}

function failing(retryable: boolean) {
  const config = { code: "BOOM", message: "it broke", retryable };
  return { ...NOOP_FLOW, nodes: [{ id: "f", type: "fail", config }] };
}

function publish(cluster: Cluster, executionId: string, flowId: string, flowData: object) {
  return cluster.publish("normal", { flowId, executionId, flowData }, executionId);
}

async function runs(cluster: Cluster, executionId: string, flowId: string, flowData: object) {
  await publish(cluster, executionId, flowId, flowData);
  await cluster.result(executionId);
}

async function page(url: string): Promise<ExecutionPage> {
  return (await (await fetch(url)).json()) as ExecutionPage;
}

function idAndStatus({ executionId, status }: ExecutionView): string[] {
  return [executionId, status];
}
