import { expect, onTestFinished, test } from "vitest";
import { connect } from "../../src/client/client.ts";
import type { ExecutionPage, ExecutionView } from "../../src/messages/execution-view.ts";
import { Cluster, NOOP_FLOW } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { Gate } from "../support/gate.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();
const SETTINGS = {
  BATUTA_TASK_ACK_WAIT: "120s",
  BATUTA_HTTP_ENABLED: "true",
  BATUTA_HTTP_PORT: "0",
};

test("executions are paused and resumed by command, and exit codes tell how it went", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SETTINGS);
  for (const id of ["a", "b"]) await publish(cluster, id);
  const paused = await batuta(cluster, "executions", "pause", "a", "b", "-o", "json");
  const both = (answer: object) => ["a", "b"].map((executionId) => ({ executionId, ...answer }));
  expect([paused.exitCode, JSON.parse(paused.out)]).toEqual([0, both({ paused: true })]);
  const shown = await batuta(cluster, "executions", "get", "a", "-o", "json");
  expect(JSON.parse(shown.out)).toMatchObject({ status: "paused", flowId: "f", lane: "normal" });
  const listed = await batuta(cluster, "executions", "ls", "--status", "paused", "-o", "json");
  const views = JSON.parse(listed.out) as ExecutionView[];
  expect(views.map(({ executionId }) => executionId).sort()).toEqual(["a", "b"]);
  expect(views[0]).toMatchObject({ status: "paused", flowId: "f", lane: "normal", attempts: 0 });

  await cluster.worker("w1");
  const resumed = await batuta(cluster, "executions", "resume", "a", "b");
  expect([resumed.exitCode, resumed.out]).toEqual([0, expect.stringContaining("goes on")]);
  await cluster.results.count(2);
  const late = await batuta(cluster, "executions", "pause", "a");
  expect([late.exitCode, late.out]).toEqual([1, expect.stringContaining("had completed before")]);
  const unknown = await batuta(cluster, "executions", "resume", "nobody");
  expect([unknown.exitCode, unknown.err]).toEqual([4, expect.stringContaining("no execution")]);
  expect((await batuta(cluster, "executions", "pause", "a.b")).exitCode).toBe(2);
});

test("a running execution is paused and resumed over HTTP, and is seen to be paused", async ({
  task,
}) => {
  const gate = await Gate.open();
  const cluster = await Cluster.start(task, nats, SETTINGS);
  const url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  const post = (path: string) => fetch(`${url}/executions/${path}`, { method: "POST" });
  const get = async (path: string) => (await fetch(`${url}${path}`)).json();
  await cluster.worker("w1");
  await publish(cluster, "long", gate.flow("one", "two"));
  await gate.isAsked("one");
  const answer = await post("long/pause");
  expect([answer.status, await answer.json()]).toEqual([
    200,
    { executionId: "long", paused: true },
  ]);
  expect(await get("/executions/long")).toMatchObject({ status: "paused", lane: "normal" });
  const page = (await get("/executions?status=paused")) as ExecutionPage;
  expect(page.executions).toMatchObject([{ executionId: "long", workerId: "w1", attempts: 1 }]);
  const running = (await get("/executions?status=running")) as ExecutionPage;
  expect(running.executions).toEqual([]);
  gate.answer("one");
  expect(await (await post("long/resume")).json()).toEqual({ executionId: "long", paused: false });
  await gate.isAsked("two");
  expect(await get("/executions/long")).toMatchObject({ status: "running" });
  gate.answer("two");
  expect(await cluster.result("long")).toMatchObject({ status: "completed" });
  expect((await post("nobody/pause")).status).toBe(404);
});

test("a publisher pauses and resumes its execution by the handle, and hears of it", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, SETTINGS);
  const client = await connect({ url: nats.url, prefix: cluster.bus.names.prefix });
  onTestFinished(() => client.close());
  const execution = client.run(NOOP_FLOW);
  const events = execution.events();
  expect(await execution.pause("lunch")).toBe(true);
  expect(await execution.status()).toBe("paused");
  await cluster.worker("w1");
  expect(await execution.resume()).toBe(true);
  await execution.result();
  const told: string[] = [];
  for await (const { kind, reason } of events) told.push(kind === "paused" ? `${reason}` : kind);
  expect(told).toEqual(expect.arrayContaining(["lunch", "resumed", "started"]));
  expect(told.indexOf("resumed")).toBeLessThan(told.indexOf("started"));
  expect(await execution.pause()).toBe(false);
  expect(await execution.resume()).toBe(false);
});

function publish(cluster: Cluster, executionId: string, flowData: object = NOOP_FLOW) {
  return cluster.publish("normal", { flowId: "f", executionId, flowData }, executionId);
}
