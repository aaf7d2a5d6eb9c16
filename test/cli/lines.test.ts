import { expect, test } from "vitest";
import { bannerLines, bannerRecord } from "../../src/cli/dev/banner.ts";
import { flowEventLine, workerEventLine } from "../../src/cli/inspect/event-lines.ts";
import { laneCells } from "../../src/cli/inspect/queues.ts";
import type { WorkerView } from "../../src/cli/inspect/worker-views.ts";
import { workerCells } from "../../src/cli/inspect/workers.ts";
import { resultLines } from "../../src/cli/submit/result-lines.ts";
import { plain } from "../../src/cli/terminal.ts";
import type { ExecutionResult } from "../../src/messages/result.ts";

const AT = "2026-01-02T03:04:05.678Z";

const result: ExecutionResult = {
  executionId: "e1",
  flowId: "f1",
  status: "completed",
  output: { total: 3 },
  attempts: 1,
  workerId: "w1",
  queuedAt: AT,
  startedAt: AT,
  finishedAt: AT,
  queueWaitMs: 4,
  durationMs: 1_500,
  lane: "normal",
};

test("a completed execution is told with its worker, its times and its output", () => {
  expect(resultLines(result, plain)).toEqual([
    "completed, on w1, in 1.5 s after waiting 4 ms",
    '{\n  "total": 3\n}',
  ]);
});

test("a failed execution is told with its error, its node, its attempts and why it was given up", () => {
  const error = { code: "OUT_OF_STOCK", message: "no lamps", retryable: false, nodeId: "reserve" };
  const { output: _output, ...rest } = result;
  const failed = { ...rest, status: "failed", error, attempts: 5, reason: "max_attempts" } as const;
  expect(resultLines(failed, plain)).toEqual([
    "failed, on w1, in 1.5 s after waiting 4 ms, 5 attempts",
    "OUT_OF_STOCK at node reserve: no lamps",
    "dead-lettered as max_attempts",
  ]);
});

test("an execution that no worker ran says so, and one without output prints null", () => {
  const { output: _output, ...rest } = result;
  expect(resultLines({ ...rest, workerId: null }, plain)).toEqual([
    "completed, run by no worker, in 1.5 s after waiting 4 ms",
    "null",
  ]);
});

test("an event is one line: when, what, which execution, and its facts", () => {
  const event = {
    executionId: "e1",
    kind: "retrying",
    at: AT,
    attempt: 2,
    delayMs: 1_500,
  } as const;
  expect(flowEventLine(event, plain)).toBe(
    "03:04:05.678  retrying       e1  attempt 2 again in 1.5 s",
  );
  expect(flowEventLine({ executionId: "e1", kind: "accepted", at: AT }, plain)).toBe(
    "03:04:05.678  accepted       e1",
  );
});

test("a change of a worker's state tells from what to what, and why", () => {
  const event = {
    workerId: "w1",
    incarnation: "i1",
    from: "healthy",
    to: "draining",
    reasons: ["SIGTERM"],
    at: AT,
    load: 0.4,
    inFlight: 2,
    hostname: "h",
    pool: "default",
  } as const;
  expect(workerEventLine(event, plain)).toBe(
    "03:04:05.678  worker         w1  healthy -> draining (2 in flight): SIGTERM",
  );
  expect(workerEventLine({ ...event, from: null, inFlight: 0, reasons: [] }, plain)).toContain(
    "(new) -> draining",
  );
});

test("a worker that does not beat shows - where nothing is known", () => {
  const view: WorkerView = {
    quarantine: null,
    workerId: "w1",
    state: "critical",
    reasons: ["late beats", "deaf"],
    since: AT,
    incarnation: "i1",
    hostname: "h",
    pid: 1,
    version: "0.1.0",
    transport: "nats",
    pool: "default",
    labels: {},
    slots: 5,
    supportedNodeTypes: [],
    beat: null,
  };
  const cells = workerCells(view, Date.parse(AT) + 30_000, plain);
  expect(cells.join(" ")).toBe("w1 critical 30s -/5 - - - default h late beats; deaf");
});

test("a lane without waiting executions has no oldest one", () => {
  const stats = {
    lane: "high",
    stream: "FLOWS_HIGH",
    pending: 0,
    inFlight: 3,
    deadLetters: 2,
    oldestAgeMs: null,
  } as const;
  expect(laneCells(stats, plain)).toEqual(["high", "0", "3", "-", "2", "FLOWS_HIGH"]);
});

const facts = {
  server: {
    url: "nats://user:secret@127.0.0.1:4999",
    version: "2.15.1",
    durability: "default",
    storeDir: "/data/nats",
  },
  httpUrl: "http://127.0.0.1:3000",
  inspectUrl: "http://127.0.0.1:3000/inspect",
  amqp: undefined,
  workers: ["worker-1", "worker-2"],
  slots: 5,
  ready: true,
  exports: { BATUTA_NATS_URL: "nats://user:secret@127.0.0.1:4999" },
} as const;

test("the banner tells server, durability, data, HTTP, workers and what to type next", () => {
  const text = bannerLines(facts, plain).join("\n");
  for (const part of [
    "nats-server 2.15.1",
    "survives process crashes",
    "/data/nats",
    "http://127.0.0.1:3000/orchestrator/health",
    "worker-1, worker-2 (5 slots each)",
    "export BATUTA_NATS_URL=nats://",
    "npx batuta submit",
  ]) {
    expect(text).toContain(part);
  }
});

test("the banner admits that the workers are not healthy yet", () => {
  expect(bannerLines(facts, plain).join("\n")).not.toContain("healthy yet");
  const late = bannerLines({ ...facts, ready: false }, plain).join("\n");
  expect(late).toContain("(5 slots each; NOT healthy yet, see above)");
});

test("the banner tells which broker is joined, and where flows are taken from", () => {
  expect(bannerLines(facts, plain).join("\n")).not.toContain("AMQP");
  const amqp = { server: "amqp://rabbit:5672/", prefix: "old" };
  const text = bannerLines({ ...facts, amqp }, plain).join("\n");
  expect(text).toContain("amqp://rabbit:5672/, flows from the queues old.flows.<lane>");
});

test("the banner hides the password of the server's address", () => {
  expect(bannerLines(facts, plain).join("\n")).not.toContain("secret");
});

test("for programs the banner is one object", () => {
  expect(bannerRecord(facts)).toMatchObject({
    natsUrl: facts.server.url,
    httpUrl: facts.httpUrl,
    inspectUrl: facts.inspectUrl,
    workers: facts.workers,
    dataDir: "/data/nats",
    pid: process.pid,
  });
});
