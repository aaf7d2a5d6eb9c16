import { expect, test } from "vitest";
import { isTide, type ToldDecision, waitsSince } from "../../src/domain/explain-decision.ts";
import { type ExecutionFacts, explainExecution } from "../../src/domain/explain-execution.ts";

const at = (second: number) => new Date(Date.UTC(2030, 0, 1, 12, 0, second)).toISOString();

function facts(changes: Partial<ExecutionFacts>): ExecutionFacts {
  return {
    executionId: "x",
    flowId: "f",
    lane: "normal",
    status: "completed",
    queuedAt: at(0),
    startedAt: at(1),
    finishedAt: at(2),
    workerId: "w1",
    attempts: [],
    decisions: [],
    waits: [],
    scaling: [],
    before: null,
    now: null,
    ...changes,
  };
}

function decision(kind: string, second: number, changes: Partial<ToldDecision>): ToldDecision {
  const nothing = { about: {}, inputs: null, candidates: [], choice: null, reasons: [] };
  return { kind, at: at(second), ...nothing, ...changes };
}

const told = (changes: Partial<ExecutionFacts>) =>
  explainExecution(facts(changes)).steps.map(({ what, why }) => [what, ...why].join(" | "));

/** An open one that waits in its lane. */
const QUEUED = { status: "queued", startedAt: null, finishedAt: null, workerId: null };

test("one that just ran is told by when it came, started and ended", () => {
  expect(explainExecution(facts({})).summary).toBe("x: completed, waited 1.0 s, ran 1.0 s");
  expect(told({})).toEqual([
    "published to the lane normal, flow f",
    "started on worker w1, 1.0 s after it came",
    "completed",
  ]);
});

const WAIT = decision("assign", 3, {
  about: { lane: "normal" },
  inputs: { pending: 7 },
  choice: { type: "wait" },
  candidates: [{ id: "w1", why: "full: 4 in 5 slots, 4 may be used" }],
  candidatesLeftOut: 2,
  reasons: ["7 wait in the lane normal", "all 3 workers that could take it are full"],
});

test("one that waited is told who was full meanwhile, and how many more were considered", () => {
  const lines = told({ startedAt: at(9), finishedAt: at(10), waits: [WAIT] });
  expect(lines[1]).toBe(
    "the lane normal waited, with 7 in it | all 3 workers that could take it are full | considered w1: full: 4 in 5 slots, 4 may be used | considered 2 more that did no better",
  );
});

test("one that was handed over at once is not told of a lane that waited for others", () => {
  const startedAt = new Date(Date.parse(at(0)) + 20).toISOString();
  expect(told({ startedAt, waits: [WAIT] }).join()).not.toContain("waited,");
});

test("of many waits the first and the last are told", () => {
  const waits = Array.from({ length: 30 }, (_, index) => ({
    ...WAIT,
    at: at(index),
    inputs: { pending: index },
  }));
  const lines = told({ startedAt: at(40), finishedAt: at(41), waits });
  const depths = lines.flatMap((line) => /waited, with (\d+)/.exec(line)?.[1] ?? []);
  expect(depths).toEqual(["0", "10", "19", "29"]);
});

test("a wait that began before it came counts only where it lasted until then", () => {
  const tide = (second: number, waits: boolean) => ({ ...WAIT, at: at(second), inputs: { waits } });
  const from = Date.parse(at(10));
  const seconds = (tides: readonly ToldDecision[]) =>
    waitsSince(tides, from).map((each) => new Date(each.at).getUTCSeconds());
  expect(seconds([tide(3, true), tide(12, true), tide(14, false)])).toEqual([3, 12]);
  expect(seconds([tide(3, true), tide(8, false), tide(12, true)])).toEqual([12]);
  expect(seconds([tide(3, true), tide(8, false)])).toEqual([]);
  expect(seconds([])).toEqual([]);
});

test("a tide is of its lane, and no assignment of somebody else", () => {
  expect(isTide(WAIT, "normal")).toBe(true);
  expect(isTide(WAIT, "high")).toBe(false);
  const about = { lane: "normal", executionId: "other" };
  expect(isTide({ ...WAIT, about }, "normal")).toBe(true);
  expect(isTide({ about, choice: { type: "assign", workerId: "w" } }, "normal")).toBe(false);
});

test("of one that was handed back for hours the first and the last are told", () => {
  const decisions = Array.from({ length: 50 }, (_, index) =>
    decision("unplaceable", index, { reasons: [`look ${index}`] }),
  );
  const looks = told({ ...QUEUED, decisions }).filter((line) => line.includes("| look "));
  expect(looks).toHaveLength(6);
  expect(looks[0]).toContain("look 0");
  expect(looks.at(-1)).toContain("look 49");
});

test("one that ran before is not said to have waited all that time", () => {
  const error = { code: "WORKER_LOST", message: "gone", retryable: true };
  const attempts = [{ attempt: 1, workerId: "w1", error, at: at(8) }];
  const { summary } = explainExecution(facts({ attempts, startedAt: at(9), finishedAt: at(10) }));
  expect(summary).toBe(
    "x: completed, last started 9.0 s after it came, ran 1.0 s, 1 failed attempt",
  );
});

test("in one instant an attempt fails before it is decided what follows", () => {
  const error = { code: "BOOM", message: "no", retryable: true };
  const lines = told({
    startedAt: at(1),
    attempts: [{ attempt: 1, workerId: "w1", error, at: at(1) }],
    decisions: [decision("retry", 1, { choice: { delayMs: 5 } })],
  });
  expect(lines.slice(1, 4).map((line) => line.split(" ")[0])).toEqual(["started", "attempt", "to"]);
});

test("one that still waits is told its place, and who could take it and why not now", () => {
  const now = {
    nodeTypes: ["noop"],
    placement: { type: "wait", reason: "all 1 workers that could take it are full" },
    candidates: [
      { id: "w1", why: "full: 1 in 1 slots, 1 may be used" },
      { id: "w2", why: "does not know noop" },
    ],
  };
  expect(told({ ...QUEUED, before: 3, now }).at(-1)).toBe(
    "waits in its lane behind 3 others | all 1 workers that could take it are full | considered w1: full: 1 in 1 slots, 1 may be used | considered w2: does not know noop",
  );
});

test("one that waits while no orchestrator runs is told so", () => {
  expect(told(QUEUED).at(-1)).toBe(
    "waits in its lane | no orchestrator could be asked who could take it",
  );
});

test("one that is paused is told since when and why, and one that waits for its retry until when", () => {
  const pausedFor = { reason: "to look at it", at: at(1) };
  expect(told({ ...QUEUED, status: "paused", pausedFor }).at(-1)).toBe(
    `paused since ${at(1)} | to look at it`,
  );
  const error = { code: "BOOM", message: "no", retryable: true };
  const attempts = [{ attempt: 1, workerId: "w1", error, at: at(2), retryAt: at(7) }];
  expect(told({ ...QUEUED, status: "retrying", attempts }).at(-1)).toBe(
    `waits for its retry at ${at(7)}`,
  );
});

test("a redistribution is told with the worker that was lost, how that was seen, and its place", () => {
  const lines = told({
    decisions: [
      decision("redistribute", 1, {
        about: { workerId: "dead" },
        choice: { order: ["y", "x", "z"] },
        reasons: ["unreachable: ping had no responders"],
      }),
    ],
  });
  expect(lines).toContain(
    "its worker dead was lost; it moved as number 2 of 3 | unreachable: ping had no responders",
  );
});

test("each attempt that failed is told with its error, what was decided then, and the end", () => {
  const error = { code: "BOOM", message: "no such thing", retryable: true, nodeId: "call" };
  const lines = told({
    status: "failed",
    error,
    deadReason: "max_attempts",
    attempts: [{ attempt: 1, workerId: "w1", error, at: at(1), retryAt: at(2) }],
    decisions: [
      decision("retry", 1, { choice: { type: "retry", delayMs: 900 }, reasons: ["BOOM"] }),
      decision("deadletter", 2, { choice: { because: "max_attempts" }, reasons: ["2 of 2"] }),
    ],
  });
  expect(lines).toContain("attempt 1 on worker w1 failed in node call: BOOM | no such thing");
  expect(lines).toContain("to be tried again after 900 ms | BOOM");
  expect(lines).toContain("given up as max_attempts | 2 of 2");
  expect(lines.at(-1)).toBe("failed, dead-lettered as max_attempts | BOOM: no such thing");
});

test("one that was refused is told each of its problems", () => {
  const problems = [{ code: "E", pointer: "/flowId", detail: "is required" }];
  const refused = decision("deadletter", 0, {
    inputs: { problems },
    choice: { type: "give-up", because: "invalid" },
    reasons: ["/flowId: is required"],
  });
  expect(told({ decisions: [refused] })).toContain(
    "given up as invalid | /flowId: is required | /flowId is required",
  );
});

test("records that were cut or forged are told as far as they make sense", () => {
  const junk = [null, 7, "x", [], { order: "x" }, { delayMs: "soon" }, { problems: 3 }];
  const kinds = ["assign", "unplaceable", "redistribute", "retry", "deadletter", "nonsense"];
  const decisions = kinds.flatMap((kind) =>
    junk.map((each) => decision(kind, 1, { choice: each, inputs: each })),
  );
  const scaling = junk.map((each) => decision("scale", 1, { choice: each, inputs: each }));
  const waits = junk.map((each) => decision("assign", 1, { choice: each, inputs: each }));
  const { steps } = explainExecution(facts({ decisions, scaling, waits, startedAt: at(5) }));
  expect(steps.length).toBeGreaterThan(kinds.length);
});
