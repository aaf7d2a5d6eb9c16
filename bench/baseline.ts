import { AckPolicy, RetentionPolicy, StorageType } from "@nats-io/jetstream";
import type { Bus } from "../src/bus/connect.ts";
import { noopMessage } from "./flow-message.ts";
import { type Latency, latencyOf, pipelined, type Rate, rateOf } from "./measure.ts";

const STREAM = "BASELINE";
const SUBJECT = "baseline";
const CONSUMER = "baseline";
/** The knee of the client's own publish (research/nats.md 5): more outstanding adds nothing. */
export const OUTSTANDING = 256;

export interface Baseline {
  readonly publish: Rate;
  readonly consumeAck: Rate;
  readonly publishToDeliver: Latency;
}

/** Bare JetStream with the official client, as its documentation shows it: same messages, same storage. */
export async function measureBaseline(bus: Bus, count: number, latencyRuns: number): Promise<Baseline> {
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
    const publishToDeliver = await measureLatency(bus, latencyRuns);
    return { publish, consumeAck, publishToDeliver };
  } finally {
    await bus.jsm.streams.delete(STREAM);
  }
}

async function measurePublish(bus: Bus, count: number): Promise<Rate> {
  const startedAt = performance.now();
  await pipelined(count, OUTSTANDING, (index) => bus.js.publish(SUBJECT, noopMessage(`base-${index}`)));
  return rateOf(count, performance.now() - startedAt);
}

async function measureConsumeAck(bus: Bus, count: number): Promise<Rate> {
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

async function measureLatency(bus: Bus, runs: number): Promise<Latency> {
  const consumer = await bus.js.consumers.get(STREAM, CONSUMER);
  const samplesMs: number[] = [];
  let arrived: () => void = () => {};
  const messages = await consumer.consume({
    max_messages: 10,
    callback: (message) => {
      message.ack();
      arrived();
    },
  });
  for (let run = 0; run < runs; run += 1) {
    const delivered = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    const startedAt = performance.now();
    const stored = bus.js.publish(SUBJECT, noopMessage(`latency-${run}`));
    await delivered;
    samplesMs.push(performance.now() - startedAt);
    await stored;
  }
  await messages.close();
  return latencyOf(samplesMs);
}
