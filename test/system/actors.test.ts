import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectBus } from "../../src/bus/connect.ts";
import { BusInspectionSource } from "../../src/bus/inspection-source.ts";
import { ActorTable } from "../../src/messages/actor-table.ts";
import type { ActorRecord } from "../../src/messages/inspection.ts";
import { Cluster } from "../support/cluster.ts";
import { Gate } from "../support/gate.ts";
import { startNatsWith, temporaryDir, testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

/** What a command printed, and how it ended. */
async function run(cluster: Cluster, ...args: string[]) {
  const child = cluster.child(args);
  const code = await child.exited();
  return { code, output: child.output };
}

test("actors ls and get show what every process hosts, and name the nearest of one that is not there", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w-1");
  const all = await run(cluster, "actors", "ls");
  expect(all.code).toBe(0);
  for (const line of [/worker\/w-1\s+healthy/, /supervisor\s+\S/, /lease\S*\s+leading/])
    expect(all.output).toMatch(line);
  expect(all.output).toMatch(/\d+ actors in 2 processes/);

  const some = await run(cluster, "actors", "ls", "--machine", "worker", "-o", "jsonl");
  const rows = some.output.split("\n").filter((line) => line.startsWith("{"));
  expect(rows.map((row) => JSON.parse(row))).toMatchObject([
    { address: "worker/w-1", state: "healthy", machineId: "worker" },
  ]);

  const one = await run(cluster, "actors", "get", "worker/w-1");
  expect(one.output).toMatch(/"context"[\s\S]*"workerId": "w-1"/);
  const wrong = await run(cluster, "actors", "get", "worker/w-2");
  expect(wrong.code).toBe(4);
  expect(wrong.output).toMatch(/worker\/w-2[\s\S]*worker\/w-1/);
});

test("actors watch tells each change of state, until its limit", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w-1");
  await cluster.worker("w-2");
  const watcher = cluster.child(["actors", "watch", "worker/w-1", "--limit", "2"]);
  await watcher.says(/watching worker\/w-1/);
  expect((await run(cluster, "drain", "w-1")).code).toBe(0);
  expect(await watcher.exited()).toBe(0);
  expect(watcher.output).toMatch(/worker\/w-1 {2}healthy -> draining/);
  expect(watcher.output).not.toContain("w-2");
});

test("actors export writes a machine in each format, with no server for those that ship", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  const nowhere = { BATUTA_NATS_URL: "nats://127.0.0.1:1" };
  const exported = async (format: string) => {
    const child = cluster.child(["actors", "export", "worker", "--format", format], nowhere);
    expect(await child.exited()).toBe(0);
    return child.output;
  };
  expect(await exported("mermaid")).toMatch(/^stateDiagram-v2/);
  expect(await exported("svg")).toMatch(/<svg[\s\S]*data-state="healthy"/);
  expect(JSON.parse(await exported("stately"))).toMatchObject({ id: "worker", states: {} });
  expect(JSON.parse(await exported("json"))).toMatchObject({ v: 1, id: "worker", chart: {} });

  await cluster.worker("w-1");
  const out = join(await temporaryDir(), "w-1.svg");
  const ofActor = ["actors", "export", "worker/w-1", "--format", "svg", "--out", out];
  expect(await run(cluster, ...ofActor)).toMatchObject({ code: 0 });
  expect(await readFile(out, "utf8")).toContain("<svg");
  const wrong = await run(cluster, "actors", "export", "wroker");
  expect(wrong.code).toBe(4);
  expect(wrong.output).toContain("worker");
});

const SECRET = "S3cr3tValue";
const TOKEN = `${SECRET}Http`.padEnd(32, "x");

test("nothing secret and nothing that a flow works on is told anywhere, and a worker killed -9 is seen gone", async ({
  task,
}) => {
  const url = await startNatsWith(`authorization { user: "ada", password: "${SECRET}Nats" }`);
  const withUser = url.replace("nats://", `nats://ada:${SECRET}Nats@`);
  const cluster = await Cluster.start(
    task,
    { url: withUser },
    {
      BATUTA_HTTP_ENABLED: "true",
      BATUTA_HTTP_PORT: "0",
      BATUTA_HTTP_TOKEN: TOKEN,
    },
  );
  const told: unknown[] = [];
  const table = new ActorTable();
  const bus = await connectBus({ url: withUser, prefix: testPrefix(task), name: "watcher" });
  onTestFinished(() => bus.close());
  const gone: string[] = [];
  const watch = await new BusInspectionSource(bus, { renewMs: 500 }).watch({
    record: (record) => {
      told.push(record);
      table.record(record);
    },
    machine: (machine) => told.push(machine),
    node: (node) => {
      told.push(node);
      table.node(node);
    },
    nodeGone: (node) => gone.push(node),
    gone: () => {},
  });
  onTestFinished(() => watch.stop());
  const doomed = await cluster.worker("w-1");

  const gate = await Gate.open();
  const flow = {
    name: "secretive",
    version: 1,
    nodes: [
      { id: "keep", type: "set", config: { value: { card: SECRET } } },
      ...gate.flow("wait").nodes,
      { id: "fail", type: "fail", config: { message: `no ${SECRET}` } },
    ],
    connections: [
      { from: "keep", to: "wait" },
      { from: "wait", to: "fail" },
    ],
  };
  await cluster.publish("normal", {
    flowId: "secretive",
    executionId: "e-1",
    flowData: flow,
    inputs: { password: SECRET, note: SECRET },
    maxAttempts: 1,
  });
  await expect.poll(() => ofExecution(told, "e-1")).toBeTruthy();
  await gate.isAsked("wait");
  gate.answer("wait");
  expect((await cluster.result("e-1")).status).toBe("failed");
  await expect.poll(() => ofExecution(told, "e-1", "end")).toBeTruthy();
  doomed.kill("SIGKILL");
  await cluster.states.first(({ to }) => to === "offline");
  await expect.poll(() => gone, { timeout: 10_000 }).toContain("w-1");
  await expect
    .poll(() => table.actors().find(({ address }) => address === "worker/w-1")?.state ?? "offline")
    .toBe("offline");
  const base = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1];
  const headers = { authorization: `Bearer ${TOKEN}` };
  const listed = await fetch(`${base}/actors`, { headers });
  expect(listed.status).toBe(200);
  told.push(await listed.json());
  expect(told.length).toBeGreaterThan(20);
  expect(JSON.stringify(told)).not.toContain(SECRET);
});

function ofExecution(told: readonly unknown[], executionId: string, kind?: string) {
  return (told as Partial<ActorRecord>[]).find(
    (record) =>
      record.address?.includes(executionId) && (kind === undefined || record.kind === kind),
  );
}
