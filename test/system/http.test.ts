import { expect, test } from "vitest";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** A cluster with HTTP on a free port. */
async function startWithHttp(task: Parameters<typeof Cluster.start>[0]) {
  const cluster = await Cluster.start(task, nats, {
    BATUTA_HTTP_ENABLED: "true",
    BATUTA_HTTP_PORT: "0",
  });
  const url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  return { cluster, url };
}

function post(url: string, body: unknown): Promise<Response> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const headers = { "content-type": "application/json" };
  return fetch(url, { method: "POST", headers, body: text });
}

test("the seed's request is accepted, and its result can be waited for", async ({ task }) => {
  const { cluster, url } = await startWithHttp(task);
  await cluster.worker("w1");
  const message = {
    flowId: "flow-123",
    priority: "high",
    flowData: NOOP_FLOW,
    inputs: { data: "x" },
  };
  const accepted = await post(`${url}/orchestrator/execute`, {
    ...message,
    executionId: "exec-456",
  });
  expect(accepted.status).toBe(202);
  expect(await accepted.json()).toEqual({
    executionId: "exec-456",
    status: "accepted",
    lane: "high",
  });
  expect(accepted.headers.get("location")).toBe("/executions/exec-456");
  await cluster.result("exec-456");
  const again = await post(`${url}/orchestrator/execute`, { ...message, executionId: "exec-456" });
  expect(again.status).toBe(200);
  expect(await again.json()).toMatchObject({ status: "completed", lane: "high" });
  const waited = await post(`${url}/orchestrator/execute?wait=10s`, message);
  expect(waited.status).toBe(200);
  expect(await waited.json()).toMatchObject({ status: "completed", flowId: "flow-123" });
});

test("a wait that is over before the execution is answers 202, and it goes on", async ({
  task,
}) => {
  const { cluster, url } = await startWithHttp(task);
  await cluster.worker("w1");
  const body = { flowId: "slow", executionId: "slow-1", flowData: slowFlow(1_000) };
  const answer = await post(`${url}/orchestrator/execute?wait=100ms`, body);
  expect(answer.status).toBe(202);
  expect(await cluster.result("slow-1")).toMatchObject({ status: "completed" });
});

test("a flow that cannot run is refused with every problem, before anything is published", async ({
  task,
}) => {
  const { cluster, url } = await startWithHttp(task);
  const nodes = [
    { id: "a", type: "if", config: {} },
    { id: "a", type: "noop" },
  ];
  const flowData = { name: "bad", version: 1, nodes, connections: [{ from: "a", to: "ghost" }] };
  const answer = await post(`${url}/orchestrator/execute`, { flowId: "bad", flowData });
  expect(answer.status).toBe(400);
  expect(answer.headers.get("content-type")).toContain("application/problem+json");
  const problem = (await answer.json()) as {
    code: string;
    errors: { pointer: string; code: string }[];
  };
  expect(problem.code).toBe("INVALID");
  const codes = problem.errors.map(({ code }) => code);
  expect(codes).toEqual(expect.arrayContaining(["E_DUP_NODE", "E_UNKNOWN_NODE", "E_CONFIG"]));
  for (const { pointer } of problem.errors) expect(pointer).toMatch(/^\/flowData\//);
  const { state } = await cluster.bus.jsm.streams.info(cluster.bus.names.streams.flows.normal);
  expect(state.last_seq).toBe(0);
});

test("health has the seed's body and follows the fleet", async ({ task }) => {
  const { cluster, url } = await startWithHttp(task);
  const before = (await (await fetch(`${url}/orchestrator/health`)).json()) as { status: string };
  expect(before.status).toBe("degraded");
  await cluster.worker("w1");
  const answer = await fetch(`${url}/orchestrator/health`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toMatchObject({
    status: "healthy",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    queues: [
      { lane: "high" },
      { lane: "normal" },
      { lane: "low", pending: 0, inFlight: 0, deadLetters: 0 },
    ],
    workers: { total: 1, available: 1, busy: 0, averageLoad: 0, byState: { healthy: 1 } },
    supervisor: { leading: true },
    durability: { requested: "standard" },
  });
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
});

test("workers and queues are listed", async ({ task }) => {
  const { cluster, url } = await startWithHttp(task);
  await cluster.publish("low", { flowId: "noop", executionId: "waits", flowData: NOOP_FLOW });
  const waiting = async () => {
    const queues = (await (await fetch(`${url}/queues`)).json()) as
      | { queues?: unknown }
      | unknown[];
    const list = (Array.isArray(queues) ? queues : queues.queues) as {
      lane: string;
      pending: number;
    }[];
    return list.find(({ lane }) => lane === "low")?.pending;
  };
  await expect.poll(waiting).toBe(1);
  await cluster.worker("w1");
  const worker = await (await fetch(`${url}/workers/w1`)).json();
  expect(worker).toMatchObject({
    workerId: "w1",
    state: "healthy",
    capacity: { maxConcurrentFlows: 5 },
  });
  expect((await fetch(`${url}/workers/nobody`)).status).toBe(404);
});
