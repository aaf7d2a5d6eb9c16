import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { publishStored } from "../../src/bus/publish.ts";
import type { ExecutionResult } from "../../src/messages/result.ts";
import { NOOP_FLOW } from "../flow-message.ts";
import { pipelined } from "../measure.ts";
import { type Bench, QUORUM } from "./bench.ts";

export const FLOWS = "batuta.flows.normal";
const [FROM, TO, EVENTS] = ["bench.from", "bench.to", "bench.events"] as const;
const LOOK_MS = 10;

export function flowBody(executionId: string): string {
  return JSON.stringify({ flowId: "noop", executionId, flowData: NOOP_FLOW });
}

export function resultOf(executionId: string): ExecutionResult {
  const at = new Date().toISOString();
  return {
    executionId,
    flowId: "noop",
    status: "completed",
    output: { sum: 1 },
    attempts: 1,
    workerId: "w-1",
    queuedAt: at,
    startedAt: at,
    finishedAt: at,
    queueWaitMs: 0,
    durationMs: 1,
    lane: "normal",
  };
}

/** Messages a second from one queue to another. */
export async function moverRate(bench: Bench, count: number): Promise<number> {
  for (const queue of [FROM, TO]) {
    await bench.channel.assertQueue(queue, QUORUM);
    await bench.channel.purgeQueue(queue);
  }
  await bench.fill(FROM, flows(count));
  await using _mover = await bench.mover(FROM, TO);
  return await rate(count, () => bench.waiting(TO));
}

/** Messages a second from a queue into a lane that nobody works off. */
export async function inboundRate(bench: Bench, count: number): Promise<number> {
  const { bus } = bench;
  const lane = bus.names.streams.flows.normal;
  await bus.jsm.streams.purge(lane);
  await bench.channel.assertQueue(FLOWS, QUORUM);
  await bench.fill(FLOWS, flows(count));
  await using _bridge = await bench.bridge();
  return await rate(count, async () => (await bus.jsm.streams.info(lane)).state.messages);
}

/** Results a second from their stream into a queue that is bound to all events of flows. */
export async function outboundRate(bench: Bench, count: number): Promise<number> {
  const { channel } = bench;
  await channel.assertQueue(EVENTS, QUORUM);
  {
    // Its consumer is there from then on, and what is stored waits for it.
    await using _bridge = await bench.bridge();
    await channel.bindQueue(EVENTS, "batuta.events", "flow.#");
    await untilFollowed(bench);
  }
  await channel.purgeQueue(EVENTS);
  const run = randomUUID();
  await pipelined(count, 256, (i) => storeResult(bench, `${run}-${i}`));
  await using _bridge = await bench.bridge();
  return await rate(count, () => bench.waiting(EVENTS));
}

export async function storeResult({ bus }: Pick<Bench, "bus">, executionId: string): Promise<void> {
  await publishStored(bus, bus.names.result(executionId), JSON.stringify(resultOf(executionId)));
}

async function untilFollowed({ bus }: Bench): Promise<void> {
  for (;;) {
    const { state } = await bus.jsm.streams.info(bus.names.streams.results);
    if (state.consumer_count > 0) return;
    await pause(LOOK_MS);
  }
}

function* flows(count: number): Generator<string> {
  const run = randomUUID();
  for (let i = 0; i < count; i += 1) yield flowBody(`${run}-${i}`);
}

/** Between the first tenth and the last: how fast one begins is another matter. */
async function rate(count: number, arrived: () => Promise<number>): Promise<number> {
  let [from, first] = [0, 0];
  for (;;) {
    const there = await arrived();
    if (first === 0 && there >= count / 10) [from, first] = [performance.now(), there];
    if (there >= count) return ((there - first) / (performance.now() - from)) * 1_000;
    await pause(LOOK_MS);
  }
}
