import fc from "fast-check";
import { expect, test } from "vitest";
import type { WorkerEvent } from "../../actors/index.ts";
import { GRAIN, Reference } from "./reference-worker.ts";
import { beatOf, REPORTS, type ReportName, T, TestWorker } from "./support.ts";

/** `MODEL_RUNS=100000` for the night. */
const RUNS = Number(process.env.MODEL_RUNS ?? 1_000);

type Step =
  | { readonly do: "beat"; readonly report: ReportName; readonly inFlight: number }
  | { readonly do: "staleBeat" | "pong" | "drained" }
  | { readonly do: "pass"; readonly ms: number }
  | { readonly do: "drain"; readonly deadlineMs: number }
  | { readonly do: "assigned"; readonly count: number }
  | { readonly do: "bye" | "unreachable" | "exit" };

const reports = fc.constantFrom(...(Object.keys(REPORTS) as ReportName[]));
const beat = fc.record({
  do: fc.constant("beat" as const),
  report: reports,
  inFlight: fc.constantFrom(0, 0, 0, 1),
});
const pass = fc.record({
  do: fc.constant("pass" as const),
  ms: fc.constantFrom(100, 500, T, T, T, 2 * T, 2.5 * T, 5_300, 15_000, 60_000),
});
/** Runs of the same beat in time, since chance alone seldom makes six in a row. */
const steadyBeats = fc
  .tuple(reports, fc.integer({ min: 2, max: 16 }), fc.boolean())
  .map(([report, count, answers]): Step[] =>
    Array.from({ length: count }, (): Step[] => [
      { do: "pass", ms: T },
      ...(answers ? [{ do: "pong" } as const] : []),
      { do: "beat", report, inFlight: 0 },
    ]).flat(),
  );
const rare = fc.oneof(
  fc.constant<Step>({ do: "staleBeat" }),
  fc.constant<Step>({ do: "drained" }),
  fc.record({ do: fc.constant("drain" as const), deadlineMs: fc.constantFrom(1_000, 30_000) }),
  fc.record({ do: fc.constant("assigned" as const), count: fc.constantFrom(0, 1) }),
);
const fatal = fc.constantFrom<Step>({ do: "bye" }, { do: "unreachable" }, { do: "exit" });
const steps = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: steadyBeats },
      { weight: 4, arbitrary: beat.map((step): Step[] => [step]) },
      { weight: 4, arbitrary: pass.map((step): Step[] => [step]) },
      { weight: 3, arbitrary: fc.constant<Step[]>([{ do: "pong" }]) },
      { weight: 1, arbitrary: rare.map((step): Step[] => [step]) },
      { weight: 1, arbitrary: fatal.map((step): Step[] => [step]) },
    ),
    { minLength: 1, maxLength: 25 },
  )
  .map((runs) => runs.flat());

/** How long it is kept from work when it registers. */
const quarantines = fc.constantFrom(0, 0, 0, 0, 10_000, 60_000);

const opening: readonly Step[] = [
  { do: "pong" },
  { do: "beat", report: "fine", inFlight: 0 },
  { do: "beat", report: "fine", inFlight: 0 },
];

test("the machine and an independent model of contract B5 agree on every history", () => {
  const visited = new Set<string>();
  const property = fc.property(quarantines, fc.boolean(), steps, (forMs, isProven, history) => {
    const worker = new TestWorker({ quarantine: { forMs, reason: "it died" } });
    const model = new Reference(forMs);
    for (const step of [...(isProven ? opening : []), ...history]) {
      if (worker.facts.state === "offline") break;
      take(step, worker, model);
      agree(step, worker, model);
      expect(worker.state.split(".")[0]).toBe(worker.facts.state);
      visited.add(worker.facts.state);
    }
    const { status } = worker.ref.snapshot();
    expect(worker.clock.pending).toBeLessThanOrEqual(status === "done" ? 0 : 2);
  });
  fc.assert(property, { numRuns: RUNS });
  expect(visited.size).toBe(6);
}, 600_000);

/** Asked for each bit of time, so it is cheap where they agree. */
function agree(step: Step, worker: TestWorker, model: Reference): void {
  const { state, since } = worker.facts;
  const start = worker.clock.now() - model.now;
  if (model.accepts({ state, since: since - start })) return;
  throw new Error(`${JSON.stringify(step)}: the machine is ${state}, the model ${model.state}`);
}

function take(step: Step, worker: TestWorker, model: Reference): void {
  if (step.do === "pass") {
    for (let left = step.ms; left > 0; left -= GRAIN) {
      worker.clock.advance(GRAIN);
      model.pass();
      agree(step, worker, model);
    }
  } else {
    worker.send(eventOf(step, worker));
    tell(step, model);
  }
}

function eventOf(step: Exclude<Step, { do: "pass" }>, worker: TestWorker): WorkerEvent {
  switch (step.do) {
    case "beat":
      return worker.nextBeat({ ...REPORTS[step.report], inFlight: step.inFlight });
    case "staleBeat":
      return { type: "heartbeat", beat: beatOf(worker.facts.seq, { status: "critical" }) };
    case "drain":
      return { type: "drain", reason: "test", deadlineMs: step.deadlineMs };
    case "assigned":
      return { type: "inFlight", count: step.count };
    default:
      return { type: step.do };
  }
}

function tell(step: Step, model: Reference): void {
  if (step.do === "beat") model.beat(step.report, step.inFlight);
  else if (step.do === "pong") model.pong();
  else if (step.do === "drain") model.drain(step.deadlineMs);
  else if (step.do === "assigned") model.assigned(step.count);
  else if (step.do === "drained") model.drained();
  else if (step.do === "staleBeat") model.look();
  else model.gone();
}
