import { headers } from "nats";
import { expect, test } from "vitest";
import { readDecisions } from "../../src/bus/decisions.ts";
import type { Explanation } from "../../src/domain/explain-execution.ts";
import { replayDecision } from "../../src/domain/replay-decision.ts";
import type { Decision } from "../../src/messages/decision.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { batuta } from "../support/command.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** Scaling is decided often, so that what waits for seconds only has its reasons as well. */
const OFTEN = {
  BATUTA_SCALING_EVALUATION_INTERVAL: "300ms",
  BATUTA_QUEUE_HIGH_WATERMARK: "3",
  BATUTA_QUEUE_LOW_WATERMARK: "1",
  BATUTA_TASK_ACK_WAIT: "120s",
};

async function explain(cluster: Cluster, id: string): Promise<Explanation> {
  const { exitCode, out, err } = await batuta(cluster, "explain", id, "-o", "json");
  expect(exitCode, err).toBe(0);
  return JSON.parse(out) as Explanation;
}

/** All that it says, on one line for each step. */
const told = ({ steps }: Explanation) => steps.map(({ what, why }) => [what, ...why].join(" | "));

const failing = (retryable: boolean) => ({
  name: "failing",
  version: 1,
  nodes: [
    { id: "boom", type: "fail", config: { code: "BOOM", message: "no such thing", retryable } },
  ],
  connections: [],
});

const isAssigned = ({ kind, choice }: Decision) =>
  kind === "assign" && (choice as { type?: string }).type === "assign";

/** Every record that has been taken down so far, once there are some that fit. */
async function journal(cluster: Cluster, is: (all: readonly Decision[]) => boolean) {
  let all: Decision[] = [];
  const enough = async () => {
    all = await readDecisions(cluster.bus);
    return is(all);
  };
  await expect.poll(enough, { timeout: 20_000 }).toBe(true);
  return all;
}

test("an execution that waited is explained by how full the fleet was", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, OFTEN);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "1" });
  for (const executionId of ["a", "b", "c", "d", "e", "f"])
    await cluster.publish("normal", { flowId: "slow", executionId, flowData: slowFlow(700) });
  await cluster.result("f");
  const explanation = await explain(cluster, "f");
  expect(explanation.summary).toMatch(/^f: completed, waited [2-9]\.\d s, ran/);
  const lines = told(explanation);
  expect(lines[0]).toContain("published to the lane normal, flow slow");
  const waits = lines.filter((line) => /\d waited in the lane normal; 1 of 1 workers/.test(line));
  expect(waits.length, lines.join("\n")).toBeGreaterThan(0);
  expect(waits.join()).toMatch(/mean load \d+ %/);
  expect(lines.join("\n")).toMatch(/started on worker w1, [2-9]\.\d s after it came/);
});

test("one that waited since all were full is told who was full, with settings as they come", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "1" });
  for (const executionId of ["a", "b", "c"])
    await cluster.publish("normal", { flowId: "slow", executionId, flowData: slowFlow(2_500) });
  await cluster.result("c");
  const lines = told(await explain(cluster, "c")).join("\n");
  expect(lines).toMatch(
    /the lane normal waited, with [12] in it \| all 1 workers that could take it are full \| considered w1: full: 1 in 1 slots/,
  );
});

test("one that still waits is told its place, and who could take it and why not now", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, OFTEN);
  const first = { flowId: "f", executionId: "first", flowData: slowFlow(60_000) };
  await cluster.publish("low", first);
  await cluster.publish("low", { ...first, executionId: "second" });
  const nobody = await explain(cluster, "second");
  expect(nobody.status).toBe("queued");
  expect(told(nobody).at(-1)).toBe("waits in its lane behind 1 other | no worker is available");
  await cluster.worker("w1", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "1" });
  await cluster.events.first(({ kind }) => kind === "started");
  const full = told(await explain(cluster, "second")).at(-1);
  expect(full).toMatch(
    /^waits in its lane behind 0 others \| all 1 workers that could take it are full \| considered w1: full: 1 in 1 slots/,
  );
  cluster.firstOrchestrator.kill("SIGKILL");
  await cluster.firstOrchestrator.exited();
  expect(told(await explain(cluster, "second")).at(-1)).toBe(
    "waits in its lane behind 0 others | no orchestrator could be asked who could take it",
  );
});

test("one whose worker died is explained by the death and the move", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, OFTEN);
  const doomed = await cluster.worker("doomed");
  await cluster.publish("high", { flowId: "slow", executionId: "x", flowData: slowFlow(3_000) });
  await cluster.events.first(({ kind }) => kind === "started");
  doomed.kill("SIGKILL");
  await cluster.worker("heir");
  await cluster.result("x");
  const lines = told(await explain(cluster, "x")).join("\n");
  expect(lines).toMatch(/its worker doomed was lost; it moved as number 1 of 1 \| unreachable/);
  expect(lines).toMatch(/attempt 1 on worker doomed failed: WORKER_LOST/);
  expect(lines).toMatch(/to be tried again at once \| worker doomed died with it/);
  expect(lines).toMatch(/started on worker heir/);
  const worker = await batuta(cluster, "explain", "worker", "doomed");
  expect(worker.out).toMatch(/redistribute +1 tasks moved/);
  expect(worker.out).toMatch(/health +\w+ -> offline +unreachable/);
  expect(worker.out).toMatch(/health +new -> registering +registered/);
});

test("a worker that was drained is explained by who ordered it, why, and for how long", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const drained = await batuta(cluster, "drain", "w1", "--reason", "new disk", "--timeout", "9s");
  expect(drained.exitCode, drained.err).toBe(0);
  const worker = await batuta(cluster, "explain", "worker", "w1");
  expect(worker.out).toMatch(/drain +healthy -> draining within [89]\.\d s +new disk/);
});

test("a hostile error text is shown on one line and obeyed by no terminal", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  await cluster.worker("w1");
  const message = "\u001b[2Jgone\u202e\r\n12:00:00.000  completed\u0000 \u009b31m";
  const nodes = [{ id: "boom", type: "fail", config: { code: "BOOM", message, retryable: false } }];
  const flowData = { name: "hostile", version: 1, nodes, connections: [] };
  await cluster.publish("normal", { flowId: "f", executionId: "x", flowData });
  await cluster.result("x");
  await journal(cluster, (all) => all.some(({ kind }) => kind === "deadletter"));
  const { out, exitCode } = await batuta(cluster, "explain", "x");
  expect(exitCode).toBe(0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
  expect(out.replaceAll("\n", "")).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  expect(out).not.toMatch(/^12:00:00.000/m);
  expect(out).toContain("BOOM");
  expect(told(await explain(cluster, "x")).join()).toContain(message);
});

test("HTTP tells the same, decisions can be asked for, and health says what the journal did", async ({
  task,
}) => {
  const settings = { BATUTA_HTTP_ENABLED: "true", BATUTA_HTTP_PORT: "0" };
  const cluster = await Cluster.start(task, nats, settings);
  const url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  const get = async (path: string) => (await fetch(`${url}${path}`)).json();
  await cluster.worker("w1", { BATUTA_HTTP_ENABLED: "false" });
  await cluster.publish("normal", { flowId: "f", executionId: "x", flowData: failing(false) });
  await cluster.result("x");
  await journal(cluster, (all) => all.some(({ kind }) => kind === "deadletter"));
  expect(await get("/executions/x/explain")).toEqual(await explain(cluster, "x"));
  expect(await get("/executions/y/explain")).toMatchObject({ status: 404 });
  const { decisions } = (await get("/decisions?executionId=x&last=5")) as { decisions: Decision[] };
  expect(decisions.map(({ kind }) => kind)).toEqual(["deadletter"]);
  const { checks } = (await get("/orchestrator/health")) as {
    checks: { name: string; status: string; detail: string }[];
  };
  const check = checks.find(({ name }) => name === "journal");
  expect(check).toMatchObject({ status: "healthy" });
  expect(check?.detail).toMatch(/^decisions: [1-9]\d* taken down, 0 dropped$/);
});

test("assignments that no orchestrator made, in a lane that the server delivers, are taken down where asked for", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, { BATUTA_TASK_ACK_WAIT: "120s" });
  const { nc, names } = cluster.bus;
  for (let index = 0; index < 600; index += 1) {
    const asks = index % 20 === 0;
    const head = headers();
    head.set("Nats-Msg-Id", `x${index}`);
    if (asks) head.set("Batuta-Explain", "1");
    const body = { flowId: "f", executionId: `x${index}`, flowData: NOOP_FLOW };
    nc.publish(names.execute("normal"), JSON.stringify(body), { headers: head });
  }
  await nc.flush();
  const slots = { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" };
  await Promise.all([cluster.worker("w1", slots), cluster.worker("w2", slots)]);
  await cluster.results.count(600);
  const assigns = (all: readonly Decision[]) =>
    all.filter((each) => each.about.executionId !== undefined && isAssigned(each));
  const all = assigns(await journal(cluster, (found) => assigns(found).length >= 30));
  const ids = all.map(({ about }) => about.executionId ?? "").sort();
  expect(ids).toEqual(Array.from({ length: 30 }, (_, index) => `x${index * 20}`).sort());
  const delivered = all.filter(({ inputs }) => (inputs as { directed?: boolean }).directed);
  expect(delivered.length).toBeGreaterThan(0);
  const one = delivered[0]?.about.executionId ?? "";
  expect(told(await explain(cluster, one)).join("\n")).toMatch(
    /given to worker w[12] \| the lane is delivered straight to the workers/,
  );
});

test("one that failed is explained attempt by attempt, up to the dead letter", async ({ task }) => {
  const cluster = await Cluster.start(task, nats, { ...OFTEN, BATUTA_RETRY_BACKOFF: "100ms" });
  await cluster.worker("w1");
  const flow = { flowId: "f", flowData: failing(true), maxAttempts: 3 };
  await cluster.publish("normal", { ...flow, executionId: "thrice" });
  await cluster.publish("normal", { ...flow, executionId: "once", flowData: failing(false) });
  await cluster.results.until((all) => all.length === 2);
  const thrice = told(await explain(cluster, "thrice")).join("\n");
  expect(thrice).toMatch(/attempt 1 on worker w1 failed in node boom: BOOM \| no such thing/);
  expect(thrice).toMatch(/to be tried again after \d+ ms \| attempt 1 failed with BOOM/);
  expect(thrice).toMatch(/given up as max_attempts \| attempt 3 of 3 failed with BOOM/);
  expect(thrice).toMatch(/failed, dead-lettered as max_attempts/);
  const once = told(await explain(cluster, "once")).join("\n");
  expect(once).toMatch(/given up as not_retryable \| BOOM is not retryable/);
});

test("one that nobody can run is told what is missing, and at whom was looked", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, OFTEN);
  await cluster.worker("w1");
  const nodes = [{ id: "a", type: "sms-send" }];
  const flowData = { name: "sms", version: 1, nodes, connections: [] };
  await cluster.publish("normal", { flowId: "sms", executionId: "x", flowData });
  await journal(cluster, (all) => all.some(({ kind }) => kind === "unplaceable"));
  const lines = told(await explain(cluster, "x")).join("\n");
  expect(lines).toContain('no live worker supports "sms-send"');
  expect(lines).toContain("considered w1: does not know sms-send");
});

test("whoever asks with Batuta-Explain is told where it was placed and why there", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, OFTEN);
  await cluster.worker("w1");
  await cluster.worker("w2", { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "9" });
  const body = { flowId: "f", executionId: "x", flowData: slowFlow(50) };
  const { nc, names } = cluster.bus;
  const head = headers();
  head.set("Batuta-Explain", "1");
  nc.publish(names.execute("high"), JSON.stringify(body), { headers: head });
  await cluster.result("x");
  await journal(cluster, (all) => all.some(({ kind }) => kind === "assign"));
  const lines = told(await explain(cluster, "x")).join("\n");
  expect(lines).toMatch(/given to worker w[12] \| least_busy: .*considered w[12]: \d slots free/);
});

test("an unknown id is exit code 4, an impossible one is 2", async ({ task }) => {
  const cluster = await Cluster.start(task, nats);
  expect((await batuta(cluster, "explain", "never-was")).exitCode).toBe(4);
  expect((await batuta(cluster, "explain", "a.b")).exitCode).toBe(2);
  expect((await batuta(cluster, "explain", "worker", "never-was")).exitCode).toBe(4);
});

test("what was taken down in a run gives the same decisions again, bit for bit", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, {
    ...OFTEN,
    BATUTA_RETRY_BACKOFF: "50ms",
    BATUTA_DECISIONS_ASSIGN_SAMPLE: "1",
    BATUTA_SCALING_PROVISIONER: "process",
    BATUTA_SCALING_MAX_WORKERS: "3",
    BATUTA_SCALING_UP_COOLDOWN: "0s",
    BATUTA_WORKER_ID: "w",
  });
  const doomed = await cluster.worker("doomed");
  const slow = { flowId: "slow", flowData: slowFlow(400) };
  const nodes = [{ id: "a", type: "sms-send" }];
  const sms = { name: "sms", version: 1, nodes, connections: [] };
  for (let index = 0; index < 40; index += 1)
    await cluster.publish("normal", { ...slow, executionId: `slow-${index}` });
  await cluster.publish("high", { flowId: "f", executionId: "bad", flowData: failing(true) });
  await cluster.publish("high", { flowId: "sms", executionId: "sms", flowData: sms });
  await cluster.events.until((all) => all.some(({ kind }) => kind === "started"));
  doomed.kill("SIGKILL");
  await cluster.results.until((all) => all.length === 41);
  const kinds = ["scale", "retry", "deadletter", "redistribute", "unplaceable", "assign"];
  const replayable = [...kinds, "health"];
  const all = await journal(cluster, (records) =>
    kinds.every((kind) => records.some((record) => record.kind === kind)),
  );
  const replays = all.map((record) => ({ kind: record.kind, ...replayDecision(record) }));
  expect(replays.filter(({ type }) => type === "different")).toEqual([]);
  const same = new Set(replays.filter(({ type }) => type === "same").map(({ kind }) => kind));
  expect([...same].sort()).toEqual([...replayable].sort());
});
