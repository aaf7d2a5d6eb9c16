import { expect, test } from "vitest";
import type { WorkerEvent, WorkerEventType } from "../../actors/index.ts";
import { markdownTable } from "./readme.ts";
import { MANIFEST, NEWER, OLDER, REPORTS, type ReportName, T, TestWorker } from "./support.ts";

/** How a worker gets into each state; the last thing it does is there. */
const STATES: Readonly<Record<string, () => TestWorker>> = {
  registering: () => new TestWorker(),
  healthy: () => new TestWorker().proven(),
  "degraded.limited": () => new TestWorker().proven().beats(1, { status: "degraded" }),
  "degraded.suspect": () => new TestWorker().proven().silence(3 * T),
  critical: () => new TestWorker().proven().beats(1, { status: "critical" }),
  draining: () => new TestWorker().proven().send({ type: "drain", reason: "test" }),
};

const manifest = { ...MANIFEST, pool: "other" };

/** Every event, in every way that makes a difference. */
const EVENTS: Readonly<Record<WorkerEventType, Readonly<Record<string, WorkerEvent | "beat">>>> = {
  heartbeat: Object.fromEntries(Object.keys(REPORTS).map((name) => [name, "beat"])),
  registered: {
    "": { type: "registered", manifest },
    "of another": { type: "registered", manifest, incarnation: NEWER },
  },
  pong: { "": { type: "pong" }, "of another": { type: "pong", incarnation: OLDER } },
  unreachable: { "": { type: "unreachable" } },
  drain: {
    "": { type: "drain", reason: "test", deadlineMs: 1_000 },
    "for quarantine": { type: "drain", reason: "test", deadlineMs: 1_000, isQuarantine: true },
  },
  drained: { "": { type: "drained" }, "of another": { type: "drained", incarnation: OLDER } },
  inFlight: { "": { type: "inFlight", count: 1 } },
  bye: { "": { type: "bye" }, "of another": { type: "bye", incarnation: OLDER } },
  exit: { "": { type: "exit", code: 0 }, "of another": { type: "exit", pid: 1, code: 0 } },
  evict: {
    "by a newer": { type: "evict", incarnation: NEWER },
    "by an older": { type: "evict", incarnation: OLDER },
  },
  freeze: { "": { type: "freeze", reason: "test" } },
  thaw: { "": { type: "thaw" } },
};

/** What happens to a worker of which nothing is heard. */
const SILENCES = {
  "2.5 intervals": 2.5 * T,
  "6 intervals": 6 * T,
  "10 intervals": 10 * T,
  "60 s": 60_000,
};

test("every event in every state is decided", async () => {
  const rows = Object.entries(EVENTS).flatMap(([type, variants]) =>
    Object.entries(variants).map(([variant, event]) =>
      row(`${type} ${variant}`.trim(), (worker) => {
        if (event === "beat") worker.beat(REPORTS[variant as ReportName]);
        else worker.send(event);
      }),
    ),
  );
  const late = row("heartbeat out of order", (worker) =>
    worker.beat({ seq: 0, status: "critical" }),
  );
  const frozen = row("unreachable while frozen", (worker) =>
    worker.send({ type: "freeze", reason: "test" }).send({ type: "unreachable" }),
  );
  const silences = Object.entries(SILENCES).map(([name, ms]) =>
    row(`${name} of silence`, (worker) => worker.silence(ms)),
  );
  const table = markdownTable(["", ...Object.keys(STATES)], [...rows, late, frozen, ...silences]);
  await expect(`${table}\n`).toMatchFileSnapshot("worker-table.md");
});

function row(name: string, act: (worker: TestWorker) => void): string[] {
  return [name, ...Object.keys(STATES).map((state) => cell(state, act))];
}

/** Where the worker is then, and what was done; or which of the facts changed at least. */
function cell(state: string, act: (worker: TestWorker) => void): string {
  const worker = (STATES[state] as () => TestWorker)();
  expect(worker.state).toBe(state);
  const before = worker.facts;
  worker.did.length = 0;
  act(worker);
  const effects = worker.did.map((line) => line.split(" ")[0]).join(", ");
  if (worker.state !== state) return [`**${worker.state}**`, effects].filter(Boolean).join(": ");
  return [effects, changes(before, worker.facts)].filter(Boolean).join("; ") || "nothing";
}

/** The facts worth a line. */
function changes(before: TestWorker["facts"], after: TestWorker["facts"]): string {
  const noted = (
    [
      ["staleEvents", "counted as stale"],
      ["withheldVerdicts", "verdict withheld"],
      ["seq", "noted"],
      ["pongAt", "noted"],
      ["manifest", "noted"],
      ["assigned", "noted"],
      ["drainUntil", "grace shortened"],
      ["doubtUntil", "verdicts frozen"],
    ] as const
  ).filter(([fact]) => before[fact] !== after[fact]);
  return [...new Set(noted.map(([, text]) => text))].join("; ");
}
