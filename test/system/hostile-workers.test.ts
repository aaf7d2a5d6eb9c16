import { ulid } from "ulid";
import { expect, test } from "vitest";
import type { HealthReport, WorkerView } from "../../src/http/port.ts";
import { Cluster, NOOP_FLOW, slowFlow } from "../support/cluster.ts";
import { FakeWorker, idleBeat, register, registrationOf } from "../support/fake-worker.ts";
import { hasPrivateNats, startNatsWith, useNats } from "../support/nats.ts";

const nats = useNats();
/** Each reason once, and again after 10 s: a slow machine may take as long. */
const MOST_TOLD = 4;
const POLL = { timeout: 30_000 };
const HTTP = { BATUTA_HTTP_ENABLED: "true", BATUTA_HTTP_PORT: "0" };

/** What an operator sees of a cluster. */
class Operator {
  readonly #url: string;

  constructor(cluster: Cluster) {
    this.#url = /"httpUrl":"([^"]+)"/.exec(cluster.firstOrchestrator.output)?.[1] ?? "";
  }

  async health(): Promise<HealthReport> {
    return (await (await fetch(`${this.#url}/orchestrator/health`)).json()) as HealthReport;
  }

  async refused(reason: string): Promise<number> {
    return (await this.health()).refused[reason] ?? 0;
  }

  async worker(workerId: string): Promise<WorkerView> {
    return (await (await fetch(`${this.#url}/workers/${workerId}`)).json()) as WorkerView;
  }
}

/** How often the orchestrator has told of a reason. */
function told(cluster: Cluster, reason: string): number {
  return cluster.firstOrchestrator.output.split(`"reason":"${reason}"`).length - 1;
}

async function runs(cluster: Cluster, executionId: string): Promise<void> {
  await cluster.publish("normal", { flowId: "noop", executionId, flowData: NOOP_FLOW });
  expect(await cluster.result(executionId)).toMatchObject({ status: "completed" });
}

test("beats of a wrong incarnation, out of order, of no number, or of nobody are refused, told once and counted", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const operator = new Operator(cluster);
  const { nc, names } = cluster.bus;
  const fake = await FakeWorker.start(cluster.bus, "w1");
  await cluster.states.first(({ to }) => to === "healthy");
  const send = (text: string, to = "w1") => nc.publish(names.heartbeat(to), text);
  const sound = JSON.stringify(idleBeat("w1", fake.incarnation, 1e6));
  const sick = { ...idleBeat("w1", fake.incarnation, 0), status: "critical" };
  for (let each = 0; each < 50; each += 1) {
    send(JSON.stringify({ ...idleBeat("w1", "0".repeat(26), 1e6), status: "critical" }));
    send(JSON.stringify(sick));
    send(sound.replace('"eventLoopLagMs":0', '"eventLoopLagMs":NaN'));
    send(sound.replace('"eventLoopLagMs":0', '"eventLoopLagMs":1e999'));
    send(JSON.stringify(idleBeat("nobody", ulid(), 1)), "nobody");
    send(JSON.stringify(idleBeat("w1", fake.incarnation, 1e6)), "w2");
  }
  await expect.poll(() => operator.refused("wrong_subject"), POLL).toBe(50);
  const { refused } = await operator.health();
  expect(refused).toMatchObject({
    older_incarnation: 50,
    malformed: 100,
    unknown_worker: 50,
    old_sequence: 50,
  });
  for (const reason of Object.keys(refused)) {
    expect(told(cluster, reason), reason).toBeGreaterThan(0);
    expect(told(cluster, reason), reason).toBeLessThanOrEqual(MOST_TOLD);
  }
  expect(await operator.worker("w1")).toMatchObject({
    state: "healthy",
    lastHeartbeatAt: expect.any(String),
  });
  fake.stop();
});

test.skipIf(!hasPrivateNats())(
  "a beat of 10 MB, on a server that allows it, is refused unread",
  async ({ task }) => {
    const url = await startNatsWith("max_payload: 16MB");
    const cluster = await Cluster.start(task, { url }, HTTP);
    const operator = new Operator(cluster);
    await cluster.worker("w1");
    const huge = new Uint8Array(10_000_000).fill(0x5b);
    for (let each = 0; each < 2; each += 1) {
      cluster.bus.nc.publish(cluster.bus.names.heartbeat("w1"), huge);
      cluster.bus.nc.publish(cluster.bus.names.done("w1"), huge);
    }
    await expect.poll(() => operator.refused("too_large"), POLL).toBe(4);
    expect(told(cluster, "too_large")).toBeLessThanOrEqual(MOST_TOLD);
    await runs(cluster, "after");
  },
);

test("10,000 strangers that register at once are turned away in time, and work goes on", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const operator = new Operator(cluster);
  await cluster.worker("w1");
  const { jsm, names } = cluster.bus;
  const written = async () =>
    (await jsm.streams.info(`KV_${names.buckets.workers}`)).state.last_seq;
  const before = await written();
  const strangers = Array.from({ length: 10_000 }, (_, index) => `stranger-${index}`);
  const replies = strangers.map((id) => register(cluster.bus, registrationOf(id)));
  await runs(cluster, "during");
  const refused = (await Promise.all(replies)).filter(({ accepted }) => !accepted);
  expect(refused.length).toBeGreaterThan(7_000);
  for (const { retryAfterMs } of refused) expect(retryAfterMs).toBeGreaterThanOrEqual(1_000);
  const late = "too many workers register at once: try again later";
  expect(await operator.refused("too_many_registrations")).toBe(
    refused.filter(({ reason }) => reason === late).length,
  );
  expect(told(cluster, "too_many_registrations")).toBeLessThanOrEqual(MOST_TOLD);
  // Nobody listens for them: they are gone as soon as that is noticed, and one write each tells so.
  await expect.poll(async () => (await operator.health()).workers.total, POLL).toBe(1);
  const ofOthers = 10;
  const admitted = 10_000 - refused.length;
  expect((await written()) - before).toBeLessThanOrEqual(2 * admitted + ofOthers);
  await runs(cluster, "after");
});

test("one id that registers 10,000 times at once is let in a few times, and the others keep their work", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  await cluster.worker("w1");
  const { jsm, names } = cluster.bus;
  const written = async () =>
    (await jsm.streams.info(`KV_${names.buckets.workers}`)).state.last_seq;
  const before = await written();
  const replies = Array.from({ length: 10_000 }, () =>
    register(cluster.bus, registrationOf("again")),
  );
  await runs(cluster, "during");
  const accepted = (await Promise.all(replies)).filter((reply) => reply.accepted);
  expect(accepted.length).toBeGreaterThan(0);
  expect(accepted.length).toBeLessThan(40);
  expect((await written()) - before).toBeLessThan(80);
  await runs(cluster, "after");
});

test("a worker that registers slots that cannot be is told what is wrong with it", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const { capacity } = registrationOf("liar");
  const claims = [1_000_000, 0, -5, 0.5, null, "many"];
  for (const maxConcurrentFlows of claims) {
    const claim = registrationOf("liar", { capacity: { ...capacity, maxConcurrentFlows } });
    const reply = await register(cluster.bus, claim);
    expect(reply).toMatchObject({
      accepted: false,
      reason: expect.stringContaining("/capacity/maxConcurrentFlows"),
    });
    expect(reply.retryAfterMs).toBeUndefined();
  }
  expect(await new Operator(cluster).refused("malformed")).toBe(claims.length);
});

test("a worker that lies about its load gets no more than its slots, and its reasons say so", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const operator = new Operator(cluster);
  const taken: string[] = [];
  const capacity = { ...registrationOf("x").capacity, maxConcurrentFlows: 5 };
  const take = (executionId: string) => void taken.push(executionId);
  const idler = await FakeWorker.start(cluster.bus, "idler", { changes: { capacity }, task: take });
  await cluster.states.first(({ to }) => to === "healthy");
  const ids = Array.from({ length: 20 }, (_, index) => `hidden-${index}`);
  for (const executionId of ids)
    await cluster.publish("high", { flowId: "n", executionId, flowData: NOOP_FLOW });
  // It says at each beat that it has nothing to do, and by and by that it is deaf to what it got.
  await cluster.states.first(({ to, reasons }) => to !== "healthy" && /deaf/.test(reasons.join()));
  expect(taken.length).toBe(4);
  idler.stop();
  const braggart = await FakeWorker.start(cluster.bus, "braggart", {
    beat: (idle) => ({ ...idle, currentLoad: { ...idle.currentLoad, activeFlows: 900 } }),
  });
  const ill = await cluster.states.first(
    ({ workerId, to }) => workerId === "braggart" && to === "degraded",
  );
  expect(ill.reasons).toContain("says that it runs 900 flows in 1 slots (+2)");
  expect(await operator.refused("implausible_load")).toBeGreaterThan(0);
  braggart.stop();
});

test("a worker that beats and never answers a ping gets nothing, and is offline in the end", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const taken: string[] = [];
  const deaf = await FakeWorker.start(cluster.bus, "deaf", {
    isDeaf: true,
    task: (executionId) => void taken.push(executionId),
  });
  await cluster.publish("normal", { flowId: "n", executionId: "not-there", flowData: NOOP_FLOW });
  const end = await cluster.states.first(({ to }) => to === "offline");
  expect(end).toMatchObject({ from: "registering" });
  expect(end.reasons).toEqual(["no 2 beats and answered canary within 10 intervals"]);
  expect(taken).toEqual([]);
  deaf.stop();
});

test("a worker that refuses a task with nonsense does not stop the lanes for the others", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const refuse = () => ({ refused: "busy", free: "plenty" });
  const fake = await FakeWorker.start(cluster.bus, "odd", { task: refuse });
  await cluster.states.first(({ to }) => to === "healthy");
  await cluster.publish("normal", { flowId: "n", executionId: "passed-on", flowData: NOOP_FLOW });
  await expect
    .poll(() => new Operator(cluster).refused("implausible_load"), POLL)
    .toBeGreaterThan(0);
  await cluster.worker("w1");
  expect(await cluster.result("passed-on")).toMatchObject({ status: "completed", workerId: "w1" });
  fake.stop();
});

test("of two workers with one id the newer stays, the older is told why and goes, and nothing is lost", async ({
  task,
}) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const older = await cluster.worker("twin", { BATUTA_WORKER_DRAIN_TIMEOUT: "2s" });
  const ids = Array.from({ length: 12 }, (_, index) => `twice-${index}`);
  const publish = (executionId: string) =>
    cluster.publish("normal", { flowId: "s", executionId, flowData: slowFlow(300) });
  for (const id of ids.slice(0, 6)) await publish(id);
  await cluster.events.first(({ kind }) => kind === "started");
  const newer = cluster.child(["worker"], { BATUTA_WORKER_ID: "twin" });
  for (const id of ids.slice(6)) await publish(id);
  expect(await older.exited()).toBe(0);
  expect(older.output).toMatch(
    /process \d+ on \S+ has registered as worker twin: a newer incarnation/,
  );
  for (const id of ids) expect(await cluster.result(id)).toMatchObject({ status: "completed" });
  expect(cluster.results.bodies.map(({ executionId }) => executionId).sort()).toEqual(ids.sort());
  expect(newer.process.exitCode).toBeNull();
  const evicted = await cluster.states.first(({ to }) => to === "offline");
  expect(evicted.reasons.join()).toMatch(/^evicted/);
});

test("a worker that dies again and again is kept from work for a while, and everybody sees until when", {
  timeout: 120_000,
}, async ({ task }) => {
  const cluster = await Cluster.start(task, nats, HTTP);
  const operator = new Operator(cluster);
  for (let death = 1; death <= 4; death += 1) {
    const flapping = cluster.child(["worker"], { BATUTA_WORKER_ID: "flapping" });
    await flapping.says(/worker registered/);
    flapping.kill("SIGKILL");
    await cluster.states.until(
      (states) => states.filter(({ to }) => to === "offline").length === death,
    );
  }
  await cluster.publish("normal", { flowId: "n", executionId: "patient", flowData: NOOP_FLOW });
  const back = cluster.child(["worker"], { BATUTA_WORKER_ID: "flapping" });
  await cluster.firstOrchestrator.says(/worker admitted in quarantine/);
  await back.says(/worker registered/);
  const { state, quarantine } = await operator.worker("flapping");
  expect(state).toBe("registering");
  expect(quarantine?.reason).toMatch(/^4 mishaps in 60 s, the last one: unreachable/);
  const listed = cluster.child(["workers"]);
  expect(await listed.exited()).toBe(0);
  expect(listed.output).toContain(`quarantined until ${quarantine?.until}: 4 mishaps in 60 s`);
  const check = (await operator.health()).checks.find(({ name }) => name === "supervision");
  expect(check).toMatchObject({ status: "degraded", detail: expect.stringContaining("flapping") });
  const result = await cluster.result("patient");
  expect(result).toMatchObject({ status: "completed", workerId: "flapping" });
  expect(Date.parse(result.startedAt ?? "")).toBeGreaterThanOrEqual(
    Date.parse(quarantine?.until ?? ""),
  );
  expect((await operator.worker("flapping")).quarantine).toBeNull();
});
