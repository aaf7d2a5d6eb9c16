import { expect, onTestFinished, type TestContext, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { purgeDeadLetters, replayDeadLetters } from "../../src/bus/dead-letter-actions.ts";
import { readOriginal } from "../../src/bus/dead-letter-original.ts";
import { listDeadLetters, newestDeadLetter } from "../../src/bus/dead-letter-reader.ts";
import { storeDeadLetter } from "../../src/bus/dead-letters.ts";
import { type ExecutionPlace, ExecutionStore } from "../../src/bus/executions.ts";
import type { LaneMessage } from "../../src/bus/intake.ts";
import { previewReplay, replayLetter } from "../../src/bus/replay.ts";
import { findResult, storeResultOnce } from "../../src/bus/results.ts";
import { storedMessage } from "../../src/bus/stored-message.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import type { DeadLetter, ExecutionResult } from "../../src/messages/result.ts";
import { settleEnded } from "../../src/processes/give-up.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

const AT = "2026-03-01T11:00:00.000Z";
const NOW = Date.parse("2026-03-01T12:00:00.000Z");
const ERROR = { code: "BOOM", message: "it broke", retryable: false };
const REAL = { dryRun: false };

async function openBus(task: TestContext["task"]): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix: testPrefix(task), name: "dlq test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

let published = 0;

function letterOf(bus: Bus, executionId: string, changes: Partial<DeadLetter> = {}): DeadLetter {
  const { lane = "normal" } = changes;
  published += 1;
  return {
    executionId,
    flowId: "f1",
    lane,
    reason: "not_retryable",
    error: ERROR,
    attempts: [{ attempt: 1, workerId: "w1", error: ERROR, at: AT }],
    deadAt: AT,
    ...changes,
    message: {
      subject: bus.names.execute(lane),
      stream: bus.names.streams.flows[lane],
      sequence: published,
      publishedAt: AT,
      headers: { "X-Tenant": ["blue"], "Nats-Msg-Id": [executionId], "Batuta-Lane": ["x"] },
      bytes: 20,
      data: { flowId: "f1", executionId },
      ...changes.message,
    },
  };
}

function recordOf({ executionId, deadAt, lane }: DeadLetter): ExecutionResult {
  return {
    executionId,
    flowId: "f1",
    status: "failed",
    error: ERROR,
    reason: "not_retryable",
    attempts: 1,
    workerId: "w1",
    queuedAt: AT,
    startedAt: AT,
    finishedAt: deadAt,
    queueWaitMs: 0,
    durationMs: 0,
    lane,
  };
}

/** A failed execution as `giveUp` leaves it; the letter's place in the stream. */
async function fail(bus: Bus, letter: DeadLetter): Promise<number> {
  const executions = await ExecutionStore.open(bus);
  for (const attempt of letter.attempts) {
    await executions.addAttempt(letter.executionId, attempt, placeOf(letter));
  }
  await storeResultOnce(bus, recordOf(letter));
  await storeDeadLetter(bus, letter);
  return (await newestDeadLetter(bus, letter.executionId))?.sequence ?? 0;
}

function placeOf({ lane, flowId, message }: DeadLetter): ExecutionPlace {
  const { sequence, publishedAt } = message;
  return { lane, sequence, storedAt: Date.parse(publishedAt), flowId };
}

async function inLane(bus: Bus, lane: DeadLetter["lane"] = "normal") {
  const { state } = await bus.jsm.streams.info(bus.names.streams.flows[lane]);
  return state.messages;
}

async function idsOf(bus: Bus): Promise<string[]> {
  const { deadLetters } = await listDeadLetters(bus, { filter: {}, cursor: 0, limit: 1_000 });
  return deadLetters.map(({ executionId }) => executionId);
}

test("letters are listed page by page in the order in which they came, and by filter", async ({
  task,
}) => {
  const bus = await openBus(task);
  expect(await listDeadLetters(bus, { filter: {}, cursor: 0, limit: 2 })).toEqual({
    deadLetters: [],
    cursor: null,
  });
  for (let i = 1; i <= 70; i += 1) {
    const lane = i % 2 === 0 ? "high" : "low";
    await storeDeadLetter(bus, letterOf(bus, `e${i}`, { lane, flowId: `f${i % 7}` }));
  }
  await bus.js.publish(bus.names.dead("high", "nonsense"), "no letter");
  const seen: string[] = [];
  for (let cursor: number | null = 0; cursor !== null; ) {
    const page = await listDeadLetters(bus, { filter: {}, cursor, limit: 33 });
    seen.push(...page.deadLetters.map(({ executionId }) => executionId));
    cursor = page.cursor;
  }
  expect(seen).toEqual(Array.from({ length: 70 }, (_, i) => `e${i + 1}`));
  const filter = { lane: "high", flowId: "f0" } as const;
  const { deadLetters } = await listDeadLetters(bus, { filter, cursor: 0, limit: 50 });
  expect(deadLetters.map(({ executionId }) => executionId)).toEqual([
    "e14",
    "e28",
    "e42",
    "e56",
    "e70",
  ]);
});

test("a replay removes record, attempts and letter, and keeps the publisher's headers", async ({
  task,
}) => {
  const bus = await openBus(task);
  const sequence = await fail(bus, letterOf(bus, "e1"));
  const dry = await replayDeadLetters(bus, { executionIds: ["e1"] }, { dryRun: true });
  expect(dry).toMatchObject([{ executionId: "e1", outcome: "selected", sequence }]);
  expect(await inLane(bus)).toBe(0);
  const done = await replayDeadLetters(bus, { executionIds: ["e1", "e2"] }, REAL);
  expect(done.map(({ executionId, outcome }) => [executionId, outcome])).toEqual([
    ["e2", "missing"],
    ["e1", "replayed"],
  ]);
  const msg = await storedMessage(bus, bus.names.streams.flows.normal, { seq: 1 });
  expect(msg?.json()).toEqual({ flowId: "f1", executionId: "e1" });
  const headers = msg?.header.keys().map((name) => [name, msg.header.get(name)]);
  expect(headers).toEqual([
    ["X-Tenant", "blue"],
    ["Nats-Msg-Id", `replay-${sequence}`],
  ]);
  expect(await findResult(bus, "e1")).toBeUndefined();
  expect((await (await ExecutionStore.open(bus)).read("e1")).attempts).toEqual([]);
  expect(await idsOf(bus)).toEqual([]);
});

/** The bus with one of its steps failing. */
function dyingAt(bus: Bus, step: "publish" | "remove letter" | "attempts"): Bus {
  const die = () => {
    throw new Error(`died at ${step}`);
  };
  const streams = new Proxy(bus.jsm.streams, {
    get: (target, name) =>
      name === "deleteMessage" && step === "remove letter"
        ? (stream: string, seq: number) =>
            stream === bus.names.streams.dead ? die() : target.deleteMessage(stream, seq)
        : Reflect.get(target, name).bind(target),
  });
  return {
    ...bus,
    ...(step === "publish" ? { mux: { send: die } as unknown as Bus["mux"] } : {}),
    ...(step === "attempts" ? { kvm: { open: die } as unknown as Bus["kvm"] } : {}),
    jsm: new Proxy(bus.jsm, {
      get: (target, name) => (name === "streams" ? streams : Reflect.get(target, name)),
    }),
  };
}

test.for(["attempts", "publish", "remove letter"] as const)(
  "who dies at the step %s loses nothing, and the next replay goes on to one message",
  async (step, { task }) => {
    const bus = await openBus(task);
    const sequence = await fail(bus, letterOf(bus, "e1"));
    await expect(replayLetter(dyingAt(bus, step), sequence, NOW)).rejects.toThrow("died");
    expect(await idsOf(bus)).toEqual(["e1"]);
    expect(await replayLetter(bus, sequence, NOW)).toMatchObject({ outcome: "replayed" });
    expect(await inLane(bus)).toBe(1);
    expect(await idsOf(bus)).toEqual([]);
    expect(await findResult(bus, "e1")).toBeUndefined();
    expect((await (await ExecutionStore.open(bus)).read("e1")).attempts).toEqual([]);
  },
);

test("an operator who comes late undoes nothing of what the first replay has led to", async ({
  task,
}) => {
  const bus = await openBus(task);
  const sequence = await fail(bus, letterOf(bus, "e1"));
  await expect(replayLetter(dyingAt(bus, "remove letter"), sequence, NOW)).rejects.toThrow("died");
  const later = "2026-03-01T11:30:00.000Z";
  const attempts = [{ attempt: 1, workerId: "w2", error: ERROR, at: later }];
  const again = letterOf(bus, "e1", { deadAt: later, attempts });
  await fail(bus, again);
  expect((await previewReplay(bus, sequence, NOW)).notes[0]).toContain("ended as failed since");
  expect(await replayLetter(bus, sequence, NOW)).toMatchObject({ outcome: "superseded" });
  expect(await inLane(bus)).toBe(1);
  expect(await findResult(bus, "e1")).toMatchObject({ finishedAt: later });
  expect((await (await ExecutionStore.open(bus)).read("e1")).attempts).toEqual(attempts);
  expect(await idsOf(bus)).toEqual(["e1"]);
  expect(await replayLetter(bus, sequence, NOW)).toMatchObject({ outcome: "missing" });
});

test("a run whose writer died before its letter gets it, though an earlier letter is still there", async ({
  task,
}) => {
  const bus = await openBus(task);
  await storeDeadLetter(bus, letterOf(bus, "e1"));
  const later = "2026-03-01T11:30:00.000Z";
  const record = recordOf(letterOf(bus, "e1", { deadAt: later }));
  const message: LaneMessage = {
    lane: "normal",
    ackSubject: "nobody.acks",
    stream: bus.names.streams.flows.normal,
    sequence: 9_999,
    deliveryCount: 2,
    storedAt: NOW,
    data: new TextEncoder().encode('{"executionId":"e1"}'),
    headers: [],
  };
  await settleEnded(bus, message, record);
  await settleEnded(bus, message, record);
  expect(await idsOf(bus)).toEqual(["e1", "e1"]);
  expect((await newestDeadLetter(bus, "e1"))?.deadAt).toBe(later);
});

test("attempts of a run that is under way are left alone", async ({ task }) => {
  const bus = await openBus(task);
  const sequence = await fail(bus, letterOf(bus, "e1"));
  await expect(replayLetter(dyingAt(bus, "remove letter"), sequence, NOW)).rejects.toThrow("died");
  const executions = await ExecutionStore.open(bus);
  const record = { attempt: 1, workerId: "w2", error: ERROR, at: "2026-03-01T11:30:00.000Z" };
  await executions.addAttempt("e1", record, placeOf(letterOf(bus, "e1")));
  expect(await replayLetter(bus, sequence, NOW)).toMatchObject({ outcome: "replayed" });
  expect((await executions.read("e1")).attempts).toEqual([record]);
  expect(await inLane(bus)).toBe(1);
});

test("a lane that is full keeps the letter and the record of the execution", async ({ task }) => {
  const bus = await openBus(task);
  await fail(bus, letterOf(bus, "e1"));
  await bus.js.publish(bus.names.execute("normal"), "full");
  await bus.jsm.streams.update(bus.names.streams.flows.normal, { max_msgs: 1 });
  const [action] = await replayDeadLetters(bus, { filter: {} }, REAL);
  expect(action).toMatchObject({ outcome: "failed", note: expect.stringContaining("full") });
  expect(await idsOf(bus)).toEqual(["e1"]);
  expect(await findResult(bus, "e1")).toMatchObject({ status: "failed", finishedAt: AT });
});

test("of several letters of one execution the newest is replayed, the others are removed", async ({
  task,
}) => {
  const bus = await openBus(task);
  await storeDeadLetter(bus, letterOf(bus, "e1", { deadAt: "2026-03-01T10:00:00.000Z" }));
  await storeDeadLetter(bus, letterOf(bus, "e1"));
  const actions = await replayDeadLetters(bus, { filter: {} }, REAL);
  expect(actions.map(({ outcome }) => outcome)).toEqual(["superseded", "replayed"]);
  expect([await inLane(bus), await idsOf(bus)]).toEqual([1, []]);
});

test("a purge deletes what is selected and nothing else", async ({ task }) => {
  const bus = await openBus(task);
  await fail(bus, letterOf(bus, "e1", { reason: "poison" }));
  await fail(bus, letterOf(bus, "e2"));
  await fail(bus, letterOf(bus, "e3", { reason: "poison", lane: "high" }));
  const filter = { reason: "poison" } as const;
  await purgeDeadLetters(bus, { filter }, { dryRun: true });
  expect(await idsOf(bus)).toEqual(["e1", "e2", "e3"]);
  const progress: number[][] = [];
  const onProgress = (...steps: number[]) => void progress.push(steps);
  const actions = await purgeDeadLetters(bus, { filter }, { ...REAL, onProgress });
  expect(actions.map(({ executionId, outcome }) => [executionId, outcome])).toEqual([
    ["e1", "purged"],
    ["e3", "purged"],
  ]);
  expect(progress).toEqual([
    [1, 2],
    [2, 2],
  ]);
  expect(await idsOf(bus)).toEqual(["e2"]);
  expect(await findResult(bus, "e1")).toMatchObject({ status: "failed" });
});

test("an original in the object store is replayed from there and goes with its letter", async ({
  task,
}) => {
  const bus = await openBus(task);
  const small = { ...bus, maxPayloadBytes: 60_000 };
  const letter = letterOf(bus, "big");
  const data = { flowId: "f1", executionId: "big", inputs: "x".repeat(80_000) };
  await fail(small, { ...letter, message: { ...letter.message, data } });
  const stored = await newestDeadLetter(bus, "big");
  const blob = stored?.message.blob ?? "";
  expect(blob).not.toBe("");
  if (stored !== undefined) expect((await readOriginal(bus, stored))?.data).toEqual(data);
  const [action] = await replayDeadLetters(bus, { filter: {} }, REAL);
  expect(action).toMatchObject({ outcome: "replayed" });
  const msg = await storedMessage(bus, bus.names.streams.flows.normal, { seq: 1 });
  expect(msg?.json()).toEqual(data);
  expect(msg?.header.get("X-Tenant")).toBe("blue");
  const { Objm } = await import("@nats-io/obj");
  const store = await new Objm(bus.js).open(bus.names.blobs);
  expect(await store.getBlob(blob)).toBeNull();
});

test("an original that the object store has lost fails alone, and the letter stays", async ({
  task,
}) => {
  const bus = await openBus(task);
  const letter = letterOf(bus, "lost");
  const { data: _, ...rest } = letter.message;
  await fail(bus, { ...letter, message: { ...rest, blob: "dead-nowhere-1" } });
  await fail(bus, letterOf(bus, "e2"));
  const actions = await replayDeadLetters(bus, { filter: {} }, REAL);
  expect(actions.map(({ outcome }) => outcome)).toEqual(["failed", "replayed"]);
  expect(actions[0]?.note).toContain("dead-nowhere-1");
  expect(await findResult(bus, "lost")).toMatchObject({ status: "failed" });
});
