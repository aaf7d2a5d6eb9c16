import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { readDecisions } from "../../src/bus/decisions.ts";
import { publishStored } from "../../src/bus/publish.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import type { DecisionDraft } from "../../src/messages/decision.ts";
import { DecisionJournal } from "../../src/processes/decisions/journal.ts";
import { hasPrivateNats, startPrivateNats, testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

async function busFor(prefix: string, url = nats.url): Promise<Bus> {
  const bus = await connectBus({ url, prefix, name: `test ${prefix}` });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  return bus;
}

function journalOf(bus: Bus, now?: () => number) {
  const lines: string[] = [];
  const say = (fields: object, message: string) =>
    void lines.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: say, info: say, warn: say, error: say };
  const options = { bus, orchestratorId: "o1", policyVersion: "1", log };
  const journal = new DecisionJournal(now === undefined ? options : { ...options, now });
  return { journal, lines };
}

function retry(executionId: string, changes: Partial<DecisionDraft> = {}): DecisionDraft {
  const choice = { type: "retry", delayMs: 1 };
  const about = { executionId };
  return { kind: "retry", about, inputs: {}, choice, reasons: ["why not"], ...changes };
}

test("what is recorded is stored with its stamps and its CloudEvents headers", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const { journal } = journalOf(bus);
  journal.record(retry("x"));
  await journal.settled(5_000);
  const [decision] = await readDecisions(bus);
  expect(decision).toMatchObject({ kind: "retry", by: "o1", policyVersion: "1", candidates: [] });
  const stored = await bus.jsm.streams.getMessage(bus.names.streams.decisions, {
    last_by_subj: bus.names.decision("retry"),
  });
  const header = (name: string) => stored?.header.get(name);
  expect(header("ce-type")).toBe("io.batuta.supervisor.decision.retry.v1");
  expect(header("ce-source")).toBe("/orchestrators/o1");
  expect(header("ce-subject")).toBe("x");
  expect(header("ce-id")).toBe(decision?.decisionId);
  expect(header("Nats-Msg-Id")).toBe(decision?.decisionId);
});

test("more decisions at once than the bus takes are dropped, counted and told, and the rest is there", async ({
  task,
}) => {
  const bus = await busFor(testPrefix(task));
  const { journal, lines } = journalOf(bus);
  for (let index = 0; index < 2_500; index += 1) journal.record(retry(`x${index}`));
  await journal.settled(20_000);
  const { recorded, dropped, trouble } = journal.report;
  expect(recorded + dropped).toBe(2_500);
  expect(recorded).toBe(1_064);
  expect(trouble).toBe("the bus does not keep up");
  expect(lines.join()).toContain("decisions are not taken down");
  const kept = await readDecisions(bus, { last: 5_000 });
  expect(kept).toHaveLength(recorded);
  expect(kept[0]?.about.executionId).toBe("x0");
  expect(kept.at(-1)?.about.executionId).toBe("x1063");
});

test("a flood of one kind is cut to its rate, which is no trouble, and leaves the others alone", async ({
  task,
}) => {
  const bus = await busFor(testPrefix(task));
  const { journal } = journalOf(bus, () => 1_000_000);
  for (let round = 0; round < 8; round += 1) {
    for (let index = 0; index < 500; index += 1) journal.record(retry(`x${index}`));
    await journal.settled(20_000);
  }
  journal.record(retry("x", { kind: "deadletter" }));
  await journal.settled(20_000);
  expect(journal.report).toEqual({ recorded: 3_001, dropped: 1_000, trouble: undefined });
});

test("what cannot be written is dropped, and whoever decided goes on", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const { journal } = journalOf(bus);
  const circle: { self?: unknown } = {};
  circle.self = circle;
  journal.record(retry("big", { inputs: { value: 1n } }));
  journal.record(retry("round", { inputs: circle }));
  journal.record(retry("huge", { inputs: { text: "x".repeat(3_000_000) } }));
  const hostile = 'a"b\n\r\u0000\u001b[31m\u202e\ud800 \u{1f600}';
  journal.record(retry("hostile", { inputs: { hostile }, reasons: [hostile] }));
  await journal.settled(5_000);
  expect(journal.report).toMatchObject({ recorded: 2, dropped: 2 });
  const [huge, last] = await readDecisions(bus);
  expect(huge).toMatchObject({ truncated: "inputs", inputs: null, reasons: ["why not"] });
  expect(last?.reasons).toEqual([JSON.parse(JSON.stringify(hostile))]);
});

test("what strangers publish on these subjects is passed over", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const { journal } = journalOf(bus);
  const sound = { decisionId: "1", kind: "retry", at: new Date().toISOString(), about: {} };
  for (const junk of [
    "not json",
    "null",
    "[]",
    "{}",
    JSON.stringify(sound),
    JSON.stringify({ ...sound, reasons: [1], candidates: [] }),
    JSON.stringify({ ...sound, reasons: [], candidates: [null] }),
    JSON.stringify({ ...sound, reasons: [], candidates: [], about: { executionId: 7 } }),
    JSON.stringify({ ...sound, reasons: [], candidates: [], at: "yesterday" }),
  ])
    await publishStored(bus, bus.names.decision("retry"), junk);
  journal.record(retry("x"));
  await journal.settled(5_000);
  const read = await readDecisions(bus);
  expect(read.map(({ about }) => about)).toEqual([{ executionId: "x" }]);
});

test("the last few of a day's decisions are read without reading the day", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  const { journal } = journalOf(bus);
  const scale = (lane: string) => retry("", { kind: "scale", about: { lane } });
  for (const lane of ["a", "b", "c"]) journal.record(scale(lane));
  for (let round = 0; round < 3; round += 1) {
    for (let index = 0; index < 900; index += 1) journal.record(retry(`x${round}-${index}`));
    await journal.settled(20_000);
  }
  const received = () => bus.nc.stats().inMsgs;
  const before = received();
  const last = await readDecisions(bus, { kinds: ["retry"], last: 10 });
  expect(last.map(({ about }) => about.executionId)).toEqual(
    Array.from({ length: 10 }, (_, index) => `x2-${890 + index}`),
  );
  expect(received() - before).toBeLessThan(800);
  const far = await readDecisions(bus, { kinds: ["scale"], last: 2 });
  expect(far.map(({ about }) => about.lane)).toEqual(["b", "c"]);
  const one = await readDecisions(bus, { is: ({ about }) => about.executionId === "x0-1" });
  expect(one).toHaveLength(1);
  const mixed = await readDecisions(bus, { last: 4 });
  expect(mixed.map(({ about }) => about.executionId)).toEqual(
    [896, 897, 898, 899].map((n) => `x2-${n}`),
  );
});

test("a time range holds what was decided in it", async ({ task }) => {
  const bus = await busFor(testPrefix(task));
  let now = Date.now() - 10_000;
  const { journal } = journalOf(bus, () => now);
  for (let index = 0; index < 5; index += 1, now += 1_000) journal.record(retry(`x${index}`));
  await journal.settled(5_000);
  const until = now - 3_000;
  // The stream goes by its own clock: all of it is newer than that.
  const early = await readDecisions(bus, { since: until - 60_000, until });
  expect(early.map(({ about }) => about.executionId)).toEqual(["x0", "x1", "x2"]);
});

test.skipIf(!hasPrivateNats())(
  "decisions made while the bus is away cost nothing but themselves, and are taken down again after it",
  async ({ task }) => {
    const server = await startPrivateNats();
    const bus = await busFor(testPrefix(task), server.url);
    const { journal } = journalOf(bus);
    journal.record(retry("before"));
    await journal.settled(5_000);
    const restarted = new Promise<void>((resolve) => server.onRestart(() => resolve()));
    process.kill(server.pid as number, "SIGKILL");
    for (let index = 0; index < 1_500; index += 1) journal.record(retry(`away${index}`));
    expect(journal.report).toMatchObject({ recorded: 1, dropped: 436 });
    await restarted;
    await journal.settled(60_000);
    journal.record(retry("after"));
    await journal.settled(30_000);
    const { recorded, dropped } = journal.report;
    expect(recorded + dropped).toBe(1_502);
    const ids = (await readDecisions(bus, { last: 2_000 })).map(({ about }) => about.executionId);
    expect(ids).toHaveLength(recorded);
    expect(ids.at(-1)).toBe("after");
  },
);
