import { setTimeout as pause } from "node:timers/promises";
import type { Bus } from "../src/bus/connect.ts";
import { connect } from "../src/client/client.ts";
import { DISPATCH_CONSUMER } from "../src/messages/subjects.ts";
import { OUTSTANDING, WARM_RUNS } from "./baseline.ts";
import type { BenchFleet } from "./fleet.ts";
import { FAILING_MESSAGE, NOOP_FLOW, NOOP_MESSAGE } from "./flow-message.ts";
import { type Latency, latencyOf, pipelined, type Rate, rateOf } from "./measure.ts";

/** The first executions pay for compiling and warming up; they are not measured. */
const WARM_SHARE = 0.2;
/** Seldom enough to cost nothing: each look is a request to the server under test. */
const LOOK_MS = 40;

export async function enqueue(bus: Bus, count: number): Promise<Rate> {
  const subject = bus.names.execute("normal");
  const startedAt = performance.now();
  await pipelined(count, OUTSTANDING, () => bus.js.publish(subject, NOOP_MESSAGE));
  return rateOf(count, performance.now() - startedAt);
}

/**
 * Executions per second while a full lane is worked off, each with its result stored. Counted by the
 * result stream itself, which has to be empty before, so that the measuring costs next to nothing.
 * Workers that are there already begin while the lane is still being filled; that is not measured.
 */
export async function drain(
  bus: Bus,
  fleet: BenchFleet,
  count: number,
  workers: number,
): Promise<Rate> {
  const starting = Array.from({ length: workers }, (_, index) =>
    fleet.worker(`bench-${index + 1}`),
  );
  // Until the last of them is healthy there are fewer workers than the figure speaks of.
  await Promise.all(starting);
  const from = await reach(bus, Math.ceil(count * WARM_SHARE));
  const to = await reach(bus, count);
  return rateOf(to.stored - from.stored, to.at - from.at);
}

/** Resolves once `count` executions have failed once and wait for their next attempt. */
export async function fillWithWaiting(bus: Bus, count: number): Promise<void> {
  const subject = bus.names.execute("normal");
  await pipelined(count, OUTSTANDING, () => bus.js.publish(subject, FAILING_MESSAGE));
  for (;;) {
    const lane = bus.names.streams.flows.normal;
    const { num_pending, num_ack_pending } = await bus.jsm.consumers.info(lane, DISPATCH_CONSUMER);
    if (num_pending === 0 && num_ack_pending === count && (await hasFailed(bus, count))) return;
    await pause(LOOK_MS);
  }
}

/** Each attempt that has failed is an entry of the bucket. */
async function hasFailed(bus: Bus, count: number): Promise<boolean> {
  const bucket = `KV_${bus.names.buckets.executions}`;
  const { state } = await bus.jsm.streams.info(bucket);
  return state.messages >= count;
}

async function reach(bus: Bus, wanted: number): Promise<{ at: number; stored: number }> {
  for (;;) {
    const { state } = await bus.jsm.streams.info(bus.names.streams.results);
    const at = performance.now();
    if (state.messages >= wanted) return { at, stored: state.messages };
    await pause(LOOK_MS);
  }
}

/** One execution at a time, from `run` to its result, by the SDK. */
export async function submitToResult(url: string, runs: number): Promise<Latency> {
  await using client = await connect({ url });
  const samplesMs: number[] = [];
  for (let run = 0; run < WARM_RUNS + runs; run += 1) {
    const startedAt = performance.now();
    await client.run(NOOP_FLOW, {});
    if (run >= WARM_RUNS) samplesMs.push(performance.now() - startedAt);
  }
  return latencyOf(samplesMs);
}
