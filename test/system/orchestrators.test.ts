import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { WorkerRegistry } from "../../src/bus/worker-registry.ts";
import { LANES } from "../../src/domain/lane.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import type { Child } from "../support/child.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { Gate } from "../support/gate.ts";
import { useNats } from "../support/nats.ts";

const nats = useNats();

/** Far longer than any of these tests may take: what comes back sooner was not waited for. */
const ACK_WAIT = { BATUTA_TASK_ACK_WAIT: "120s", BATUTA_RETRY_BACKOFF: "10ms" };
const SLOTS = { BATUTA_WORKER_MAX_CONCURRENT_FLOWS: "10" };
/** How much longer an execution may wait when an orchestrator is killed (issue 3). */
const TAKE_OVER_MS = 10_000;

const FAILURE = { code: "BROKEN", message: "no", retryable: true };

/** Calls a path of the gate, then fails. */
function failingAfter(gate: Gate, path: string) {
  const { nodes, ...flow } = gate.flow(path);
  const broken = { id: "broken", type: "fail", config: FAILURE };
  return { ...flow, nodes: [...nodes, broken], connections: [{ from: path, to: "broken" }] };
}

/** Publishes over the three lanes in turn. */
async function publish(cluster: Cluster, name: string, count: number, flowData: object) {
  const ids = Array.from({ length: count }, (_, index) => `${name}-${index}`);
  for (const [index, executionId] of ids.entries()) {
    const lane = LANES[index % LANES.length] ?? "normal";
    await cluster.publish(lane, { flowId: "f", executionId, flowData, maxAttempts: 2 });
  }
  return ids;
}

/** Never more than 30 ahead of the results; resolves with their ids. */
async function publishUntil(cluster: Cluster, stop: AbortSignal): Promise<string[]> {
  const ids: string[] = [];
  while (!stop.aborted) {
    ids.push(...(await publish(cluster, `run-${ids.length}`, 3, slowFlow(200))));
    await cluster.results.count(ids.length - 30);
  }
  return ids;
}

/** In the stream; and for plain subscribers too, unless runs that were refused may have shown there. */
async function expectEachEndedOnce(
  cluster: Cluster,
  ids: readonly string[],
  { mayRepeat = false } = {},
): Promise<void> {
  const idsOf = (all: readonly { readonly executionId: string }[]) =>
    new Set(all.map(({ executionId }) => executionId));
  const results = await cluster.results.until((all) => idsOf(all).size >= ids.length);
  expect(idsOf(results)).toEqual(new Set(ids));
  const { jsm, names } = cluster.bus;
  for (const lane of LANES) {
    const stream = names.streams.flows[lane];
    await expect
      .poll(async () => (await jsm.streams.info(stream)).state.messages, { timeout: 15_000 })
      .toBe(0);
  }
  expect((await jsm.streams.info(names.streams.results)).state.messages).toBe(ids.length);
  if (!mayRepeat) expect(cluster.results.messages).toHaveLength(ids.length);
}

/** The same step of the same process, told twice. */
function toldTwice(cluster: Cluster): string[] {
  const steps = cluster.states.bodies.map(
    ({ workerId, incarnation, from, to }) => `${workerId} ${incarnation} ${from} -> ${to}`,
  );
  return steps.filter((step, index) => steps.indexOf(step) !== index && !/degraded/.test(step));
}

/** What an orchestrator says at its end of the executions that it had assigned. */
async function completedBy(orchestrator: Child): Promise<number> {
  orchestrator.kill("SIGTERM");
  expect(await orchestrator.exited()).toBe(0);
  return Number(/"completed":(\d+)[^\n]*"msg":"orchestrator done"/.exec(orchestrator.output)?.[1]);
}

test("two orchestrators both assign, and 1,000 executions over three lanes each end once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const second = await cluster.orchestrator();
  await Promise.all([cluster.worker("w1", SLOTS), cluster.worker("w2", SLOTS)]);
  const ids = await publish(cluster, "run", 1_000, NOOP_FLOW);
  await expectEachEndedOnce(cluster, ids);
  const counts = [await completedBy(second), await completedBy(cluster.firstOrchestrator)];
  expect(Math.min(...counts), String(counts)).toBeGreaterThan(0);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(1_000);
  expect(toldTwice(cluster)).toEqual([]);
});

test("of three orchestrators the leader is killed: another leads in 10 s, and each execution ends once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const others = [await cluster.orchestrator(), await cluster.orchestrator()];
  await Promise.all([cluster.worker("w1", SLOTS), cluster.worker("w2", SLOTS)]);
  const publishing = publish(cluster, "run", 600, slowFlow(100));
  await cluster.results.count(150);
  cluster.firstOrchestrator.kill("SIGKILL");
  const killedAt = Date.now();
  await Promise.race(others.map((other) => other.says(/"msg":"leading"/)));
  expect(Date.now() - killedAt).toBeLessThan(TAKE_OVER_MS);
  await expectEachEndedOnce(cluster, await publishing);
  const left = cluster.child(["drain", "w1"]);
  expect(await left.exited(), left.output).toBe(0);
  const isOffline = ({ workerId, to }: WorkerStateEvent) => workerId === "w1" && to === "offline";
  expect(cluster.states.bodies.filter(isOffline)).toHaveLength(1);
  expect(toldTwice(cluster)).toEqual([]);
});

test("attempts that fail after their orchestrator was killed are heard, before and after another one leads", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  await cluster.worker("w1", SLOTS);
  const gate = await Gate.open();
  for (const executionId of ["soon", "late"]) {
    const flowData = failingAfter(gate, executionId);
    await cluster.publish("normal", { flowId: "f", executionId, flowData, maxAttempts: 1 });
    await gate.isAsked(executionId);
  }
  const heir = await cluster.orchestrator();
  cluster.firstOrchestrator.kill("SIGKILL");
  await heir.says(/"adopted":2/);
  gate.answer("soon");
  await heir.says(/"msg":"leading"/);
  gate.answer("late");
  const letters = await cluster.deadLetters.count(2);
  const [soon, late] = ["soon", "late"].map((id) =>
    letters.find(({ executionId }) => executionId === id),
  );
  for (const letter of [soon, late]) {
    expect(letter).toMatchObject({ reason: "max_attempts", error: { code: "BROKEN" } });
    expect(letter?.attempts).toHaveLength(1);
  }
  await expectEachEndedOnce(cluster, ["soon", "late"]);
});

test("a worker that dies after its orchestrator died loses its tasks to another at once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const doomed = await cluster.worker("doomed");
  const gate = await Gate.open();
  const ids = await publish(cluster, "long", 3, gate.flow("wait"));
  await gate.isAsked("wait", 3);
  // Before the leader dies: nobody announces a worker until there is another one.
  await cluster.worker("heir");
  const heir = await cluster.orchestrator();
  cluster.firstOrchestrator.kill("SIGKILL");
  await heir.says(/"adopted":3/);
  doomed.kill("SIGKILL");
  const killedAt = Date.now();
  await gate.isAsked("wait", 6);
  expect(Date.now() - killedAt).toBeLessThan(TAKE_OVER_MS);
  gate.answer("wait");
  await expectEachEndedOnce(cluster, ids);
  for (const { workerId, attempts } of cluster.results.bodies)
    expect([workerId, attempts]).toEqual(["heir", 2]);
});

test("what a killed orchestrator had been sent and had not forwarded runs at once", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const heir = await cluster.orchestrator();
  // Of two pools: the server then delivers nothing to workers by itself.
  await cluster.worker("w1", { ...SLOTS, BATUTA_WORKER_POOL: "a" });
  await cluster.worker("w2", { ...SLOTS, BATUTA_WORKER_POOL: "b" });
  await expectEachEndedOnce(cluster, await publish(cluster, "first", 30, NOOP_FLOW));
  // Frozen, it goes on being sent what it had asked for: with that it dies.
  cluster.firstOrchestrator.kill("SIGSTOP");
  const ids = await publish(cluster, "run", 60, NOOP_FLOW);
  cluster.firstOrchestrator.kill("SIGKILL");
  const killedAt = Date.now();
  await cluster.results.count(90);
  expect(Date.now() - killedAt).toBeLessThan(TAKE_OVER_MS);
  expect(ids.every((id) => cluster.results.bodies.some((each) => each.executionId === id))).toBe(
    true,
  );
  await heir.says(/"recovered":[1-9]/);
});

test("what a frozen orchestrator holds runs elsewhere, and once it thaws it lets go of it", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const heir = await cluster.orchestrator();
  // Of two pools: the server then delivers nothing to workers by itself.
  const doomed = await cluster.worker("doomed", { ...SLOTS, BATUTA_WORKER_POOL: "a" });
  await cluster.worker("w2", { ...SLOTS, BATUTA_WORKER_POOL: "b" });
  const held = await publish(cluster, "held", 12, slowFlow(1_500));
  await cluster.events.until((all) => all.filter(({ kind }) => kind === "started").length === 12);
  cluster.firstOrchestrator.kill("SIGSTOP");
  doomed.kill("SIGKILL");
  const frozenAt = Date.now();
  const sent = await publish(cluster, "sent", 30, NOOP_FLOW);
  await cluster.results.count(42);
  expect(Date.now() - frozenAt).toBeLessThan(1.5 * TAKE_OVER_MS);
  expect(heir.output).toContain("another orchestrator is gone");
  cluster.firstOrchestrator.kill("SIGCONT");
  await cluster.firstOrchestrator.says(/no longer cut off/);
  const after = await publish(cluster, "after", 30, NOOP_FLOW);
  // For a moment the two may act on the same report (ADR 7): a run is then repeated, and refused.
  await expectEachEndedOnce(cluster, [...held, ...sent, ...after], { mayRepeat: true });
});

test("the only orchestrator is killed, and the next one finds what it had in its books", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  await cluster.worker("w1");
  const gate = await Gate.open();
  const body = { flowId: "f", executionId: "lonely", flowData: failingAfter(gate, "lonely") };
  await cluster.publish("normal", { ...body, maxAttempts: 1 });
  await gate.isAsked("lonely");
  cluster.firstOrchestrator.kill("SIGKILL");
  await cluster.firstOrchestrator.exited();
  const killedAt = Date.now();
  const heir = await cluster.orchestrator();
  await heir.says(/"adopted":1/);
  gate.answer("lonely");
  await cluster.deadLetters.first(({ executionId }) => executionId === "lonely");
  expect(Date.now() - killedAt).toBeLessThan(2 * TAKE_OVER_MS);
  await expectEachEndedOnce(cluster, ["lonely"]);
});

test("an execution that waits for its retry waits on when the only orchestrator is replaced", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  await cluster.worker("w1");
  const server = createServer((_, response) => {
    response.writeHead(503, { "retry-after": "15" }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const nodes = [{ id: "ask", type: "http-request", config: { method: "GET", url } }];
  const flowData = { name: "asking", version: 1, nodes, connections: [] };
  const body = { flowId: "f", executionId: "patient", flowData, maxAttempts: 2 };
  await cluster.publish("normal", body);
  await cluster.events.first(({ kind }) => kind === "retrying");
  const waitsSince = Date.now();
  cluster.firstOrchestrator.kill("SIGKILL");
  const heir = await cluster.orchestrator();
  await heir.says(/"recovered":1/);
  await cluster.deadLetters.first(({ executionId }) => executionId === "patient");
  expect(Date.now() - waitsSince).toBeGreaterThan(14_000);
});

test("a rolling restart of two orchestrators loses and repeats nothing", {
  timeout: 120_000,
}, async ({ task }) => {
  const cluster = await Cluster.start(task, nats, ACK_WAIT);
  const second = await cluster.orchestrator();
  await Promise.all([cluster.worker("w1"), cluster.worker("w2")]);
  const restarted = new AbortController();
  const publishing = publishUntil(cluster, restarted.signal);
  for (const old of [cluster.firstOrchestrator, second]) {
    const before = cluster.results.messages.length;
    await cluster.results.count(before + 50);
    await cluster.orchestrator();
    old.kill("SIGTERM");
    expect(await old.exited()).toBe(0);
  }
  restarted.abort();
  await expectEachEndedOnce(cluster, await publishing);
  const starts = cluster.events.bodies.filter(({ kind }) => kind === "started");
  expect(new Set(starts.map(({ executionId }) => executionId)).size).toBe(starts.length);
  expect(cluster.results.bodies.every(({ attempts }) => attempts === 1)).toBe(true);
  expect(toldTwice(cluster)).toEqual([]);
});

test("a leader forgets workers that have been offline for over an hour, and no others", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats);
  cluster.firstOrchestrator.kill("SIGTERM");
  await cluster.firstOrchestrator.exited();
  const { bus } = cluster;
  const kv = await bus.kvm.open(bus.names.buckets.workers);
  const put = (workerId: string, state: string, agoMs: number) => {
    const registration = { workerId, incarnation: "01JCXXXXXXXXXXXXXXXXXXXXXX", hostname: "h" };
    const changedAt = new Date(Date.now() - agoMs).toISOString();
    return kv.put(workerId, JSON.stringify({ registration, state, reasons: [], changedAt }));
  };
  await put("old", "offline", 3_700_000);
  await put("recent", "offline", 3_500_000);
  const heir = await cluster.orchestrator();
  await heir.says(/"forgotten":1,"msg":"offline workers forgotten"/);
  expect(await (await WorkerRegistry.open(bus)).entries()).toMatchObject([
    { registration: { workerId: "recent" }, state: "offline" },
  ]);
});
