import type { Baseline } from "./baseline.ts";
import type { DecidingFigures } from "./deciding.ts";
import type { IdleFigures } from "./idle.ts";
import { type Latency, medianOf, type Rate } from "./measure.ts";
import type { Line } from "./report.ts";
import type { WatchingFigures } from "./watching.ts";

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

/** The median of as many drains, against that of the rounds. */
export function waitingLines(
  rounds: readonly Round[],
  waiting: number,
  drained: readonly Rate[],
): Line[] {
  if (drained.length === 0) return [];
  const value = medianOf(drained.map(({ perSecond }) => perSecond));
  const before = medianOf(rounds.map((round) => round.drained.perSecond));
  const name = `drain while ${waiting} wait for a retry`;
  return [{ name, unit: "/s", value, ratio: value / before, ratioTo: "drain", atLeast: 0.8 }];
}

/** The promise is for the median: the slowest of some thousand are those that the system interrupted. */
export function decidingLines({ workers, decide, copy }: DecidingFigures): Line[] {
  const line = (of: "p50Ms" | "p99Ms", name: string): Line => ({
    name: `deciding about ${workers} workers, ${name}`,
    unit: "ms",
    value: decide[of],
    ratio: decide[of] / copy[of],
    ratioTo: "writing it down",
  });
  return [{ ...line("p50Ms", "p50"), below: 2 }, line("p99Ms", "p99")];
}

/** What a beat costs more when it could be watched, and when it is. */
export function watchingLines(figures: WatchingFigures): Line[] {
  const { bareUs, unwatchedUs, watchedUs, followedUs, amongManyUs, allFollowedUs } = figures;
  const ratioTo = "a beat without inspection";
  return [
    {
      name: "a beat that nobody watches",
      unit: "us",
      value: unwatchedUs,
      ratio: unwatchedUs / bareUs,
      ratioTo,
    },
    {
      name: "more for one that is watched",
      unit: "us",
      value: watchedUs - bareUs,
      ratio: watchedUs / bareUs,
      ratioTo,
      below: 10,
    },
    {
      name: "more for one that is told in full",
      unit: "us",
      value: followedUs - bareUs,
      ratio: followedUs / bareUs,
      ratioTo,
      below: 10,
    },
    {
      name: "more for one of 1,000 that are all looked at",
      unit: "us",
      value: allFollowedUs - amongManyUs,
      ratio: allFollowedUs / amongManyUs,
      ratioTo,
      below: 10,
    },
  ];
}

/** From this many workers on it is the figure of a large fleet. */
const LARGE_FLEET = 1_000;

export function idleLines(idle: IdleFigures): Line[] {
  const isLarge = idle.workers >= LARGE_FLEET;
  const name = (what: string) => `idle orchestrator, ${idle.workers} workers: ${what}`;
  return [
    {
      name: name("CPU"),
      unit: "% of a core",
      value: idle.cpuPercentOfCore,
      below: isLarge ? 10 : 2,
    },
    { name: name("memory"), unit: "MB", value: idle.rssMB, below: isLarge ? 100 : 120 },
  ];
}
