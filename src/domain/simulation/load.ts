import type { Lane } from "../lane.ts";
import { randomFrom } from "../random.ts";

/** One execution that comes in; milliseconds after the start. */
export interface Arrival {
  readonly atMs: number;
  readonly lane: Lane;
  /** How long it keeps a slot. */
  readonly serviceMs: number;
}

export const LOADS = ["steady", "sine", "spike", "burst"] as const;
export type LoadName = (typeof LOADS)[number];

export interface LoadOptions {
  readonly load: LoadName;
  /** Executions per second: the mean of the whole, without spikes and bursts. */
  readonly ratePerS: number;
  /** The mean; single ones are exponentially distributed around it. */
  readonly serviceMs: number;
  readonly durationMs: number;
  readonly seed: number;
}

const HOUR_MS = 3_600_000;
/** Of the mean, up and down: with 35/s that is 15 to 55. */
const SINE_SWING = 4 / 7;
/** In the middle, for so long, so many times the mean on top of it. */
const SPIKE = { forMs: 300_000, times: 2 } as const;
/** At once, once an hour: as many as come in in so many seconds. */
const BURST_OF_S = 120;

/** Shares of the lanes. */
const HIGH_SHARE = 0.1;
const NORMAL_SHARE = 0.7;

/** A load made up of random arrivals (a Poisson process by thinning: Lewis and Shedler, 1979), in their order. */
export function* arrivalsOf(options: LoadOptions): Generator<Arrival> {
  const { durationMs, seed, load } = options;
  const random = randomFrom(seed);
  const most = options.ratePerS * (1 + SINE_SWING + SPIKE.times);
  let nextBurstMs = load === "burst" ? HOUR_MS / 2 : Number.POSITIVE_INFINITY;
  for (let atMs = 0; ; ) {
    atMs += (-Math.log(1 - random()) / most) * 1_000;
    for (; nextBurstMs <= Math.min(atMs, durationMs); nextBurstMs += HOUR_MS)
      for (let left = options.ratePerS * BURST_OF_S; left > 0; left -= 1)
        yield arrival(nextBurstMs, options, random);
    if (atMs > durationMs) return;
    if (random() * most < rateAt(atMs, options)) yield arrival(atMs, options, random);
  }
}

function rateAt(atMs: number, { load, ratePerS, durationMs }: LoadOptions): number {
  const swing = 1 + SINE_SWING * Math.sin((2 * Math.PI * atMs) / HOUR_MS);
  if (load === "sine") return ratePerS * swing;
  if (load !== "spike") return ratePerS;
  const isSpike = Math.abs(atMs - durationMs / 2) < SPIKE.forMs / 2;
  return ratePerS * (swing + (isSpike ? SPIKE.times : 0));
}

function arrival(atMs: number, { serviceMs }: LoadOptions, random: () => number): Arrival {
  const share = random();
  const lane = share < HIGH_SHARE ? "high" : share < HIGH_SHARE + NORMAL_SHARE ? "normal" : "low";
  return { atMs, lane, serviceMs: -Math.log(1 - random()) * serviceMs };
}
