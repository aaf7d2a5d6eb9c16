import type { Baseline } from "./baseline.ts";
import type { IdleFigures } from "./idle.ts";
import { type Latency, medianOf, type Rate } from "./measure.ts";
import type { Line } from "./report.ts";

/** What one round has measured: bare JetStream, then Batuta. */
export interface Round {
  readonly base: Baseline;
  readonly enqueued: Rate;
  readonly drained: Rate;
  readonly latency: Latency;
}

/** The figures of all rounds; each ratio is the median of the rounds' own ratios. */
export function roundLines(rounds: readonly Round[]): Line[] {
  const bare = (name: string, unit: string, of: (round: Round) => number): Line => ({
    name,
    unit,
    value: medianOf(rounds.map(of)),
  });
  const line = (name: string, unit: string) => ({ name, unit, value: 0 });
  const bareDeliver = ({ base }: Round) => base.publishToDeliver.p50Ms;
  return [
    bare("bare publish", "/s", ({ base }) => base.publish.perSecond),
    bare("bare consume + ack", "/s", ({ base }) => base.consumeAck.perSecond),
    bare("bare consume + ack, by callback", "/s", ({ base }) => base.callbackConsumeAck.perSecond),
    bare("bare publish -> deliver p50", "ms", bareDeliver),
    // In later rounds workers are there already, and drain while the lane is filled.
    against(
      rounds.slice(0, 1),
      line("enqueue", "/s"),
      ({ enqueued }) => enqueued.perSecond,
      ({ base }) => base.publish.perSecond,
    ),
    against(
      rounds,
      { ...line("drain", "/s"), atLeast: 0.25 },
      ({ drained }) => drained.perSecond,
      ({ base }) => base.consumeAck.perSecond,
    ),
    against(
      rounds,
      { ...line("submit -> result p50", "ms"), atMost: 4 },
      ({ latency }) => latency.p50Ms,
      bareDeliver,
    ),
    against(
      rounds,
      line("submit -> result p99", "ms"),
      ({ latency }) => latency.p99Ms,
      bareDeliver,
    ),
  ];
}

function against(
  rounds: readonly Round[],
  line: Line,
  of: (round: Round) => number,
  base: (round: Round) => number,
): Line {
  const ratios = rounds.map((round) => of(round) / base(round));
  return { ...line, value: medianOf(rounds.map(of)), ratio: medianOf(ratios), ratios };
}

/** Against the last round, whose workers were as warm. */
export function waitingLines(
  rounds: readonly Round[],
  waiting: number,
  drained: Rate | undefined,
): Line[] {
  const before = rounds.at(-1)?.drained.perSecond;
  if (drained === undefined || before === undefined) return [];
  const { perSecond: value } = drained;
  const name = `drain while ${waiting} wait for a retry`;
  return [{ name, unit: "/s", value, ratio: value / before, ratioTo: "drain", atLeast: 0.8 }];
}

export function idleLines(idle: IdleFigures | undefined): Line[] {
  if (idle === undefined) return [];
  const name = (what: string) => `idle orchestrator, ${idle.workers} workers: ${what}`;
  return [
    { name: name("CPU"), unit: "% of a core", value: idle.cpuPercentOfCore, below: 2 },
    { name: name("memory"), unit: "MB", value: idle.rssMB, below: 120 },
  ];
}
