import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AckPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { Bus } from "../src/bus/connect.ts";
import { NOOP_MESSAGE } from "./flow-message.ts";
import { type Latency, latencyOf, pipelined, type Rate, rateOf } from "./measure.ts";

const PEER = fileURLToPath(new URL("./latency-peer.ts", import.meta.url));
const STREAM = "BASELINE";
const SUBJECT = "baseline";
const CONSUMER = "baseline";
/** The knee of the client's own publish (research/nats.md 5): more outstanding adds nothing. */
export const OUTSTANDING = 256;
/** Of messages and executions one at a time: processes that were just started are slow at first. */
export const WARM_RUNS = 500;

export interface Baseline {
  readonly publish: Rate;
  /** With the iterator, as the client's documentation shows it. */
  readonly consumeAck: Rate;
  readonly callbackConsumeAck: Rate;
  readonly publishToDeliver: Latency;
}

/** Bare JetStream with the official client, as its documentation shows it: same messages, same storage. */
export async function measureBaseline(
  bus: Bus,
  url: string,
  count: number,
  latencyRuns: number,
): Promise<Baseline> {
  await bus.jsm.streams.add({
    name: STREAM,
    subjects: [SUBJECT],
    retention: RetentionPolicy.Workqueue,
    storage: StorageType.File,
  });
  await bus.jsm.consumers.add(STREAM, {
    durable_name: CONSUMER,
    ack_policy: AckPolicy.Explicit,
    max_ack_pending: 50_000,
  });
  try {
    const publish = await measurePublish(bus, count);
    const consumeAck = await measureConsumeAck(bus, count);
    await measurePublish(bus, count);
    const callbackConsumeAck = await measureCallbackConsumeAck(bus, count);
    const publishToDeliver = await measureLatency(bus, url, latencyRuns);
    return { publish, consumeAck, callbackConsumeAck, publishToDeliver };
  } finally {
    await bus.jsm.streams.delete(STREAM);
  }
}

async function measurePublish(bus: Bus, count: number): Promise<Rate> {
  const startedAt = performance.now();
  await pipelined(count, OUTSTANDING, () => bus.js.publish(SUBJECT, NOOP_MESSAGE));
  return rateOf(count, performance.now() - startedAt);
}

async function measureConsumeAck(bus: Bus, count: number): Promise<Rate> {
  const consumer = await bus.js.consumers.get(STREAM, CONSUMER);
  const startedAt = performance.now();
  const messages = await consumer.consume({ max_messages: 500 });
  let seen = 0;
  for await (const message of messages) {
    message.ack();
    seen += 1;
    if (seen === count) break;
  }
  await bus.nc.flush();
  return rateOf(count, performance.now() - startedAt);
}

/** The client's faster way, without an iterator; told beside the baseline, since it is what can be had at best. */
async function measureCallbackConsumeAck(bus: Bus, count: number): Promise<Rate> {
  const consumer = await bus.js.consumers.get(STREAM, CONSUMER);
  const startedAt = performance.now();
  let seen = 0;
  await new Promise<void>((resolve, reject) => {
    const started = consumer.consume({
      max_messages: 500,
      callback: (message) => {
        message.ack();
        seen += 1;
        if (seen === count) started.then((messages) => messages.stop()).then(resolve, reject);
      },
    });
    started.catch(reject);
  });
  await bus.nc.flush();
  return rateOf(count, performance.now() - startedAt);
}

/**
 * From a publish here to its delivery in another process, as between the parts of any system on the
 * bus. Both processes read one monotonic clock.
 */
async function measureLatency(bus: Bus, url: string, runs: number): Promise<Latency> {
  const peer = fork(PEER, [url, STREAM, CONSUMER], { execArgv: ["--import", "tsx"] });
  const next = () => once(peer, "message").then(([at]) => BigInt(at as string));
  try {
    await next();
    const samplesMs: number[] = [];
    for (let run = 0; run < WARM_RUNS + runs; run += 1) {
      const delivered = next();
      const startedAt = process.hrtime.bigint();
      const stored = bus.js.publish(SUBJECT, NOOP_MESSAGE);
      const elapsedMs = Number((await delivered) - startedAt) / 1e6;
      if (run >= WARM_RUNS) samplesMs.push(elapsedMs);
      await stored;
    }
    return latencyOf(samplesMs);
  } finally {
    peer.kill("SIGTERM");
  }
}
