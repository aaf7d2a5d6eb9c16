import { randomUUID } from "node:crypto";
import { latencyOf } from "../measure.ts";
import { type Bench, QUORUM } from "./bench.ts";
import { FLOWS, flowBody, storeResult } from "./rates.ts";

const WARM_UP = 100;
const QUEUE = "bench.one";

/** Median of ms from publishing into a queue of RabbitMQ until it has given it out, one message at a time. */
export async function queueLatency(bench: Bench, runs: number): Promise<number> {
  await bench.channel.assertQueue(QUEUE, QUORUM);
  await using arrivals = await arrivalsOf(bench, QUEUE);
  return await median(runs, arrivals, (id) => bench.send(QUEUE, flowBody(id)));
}

/** From a queue until its lane has it: what a stream stores is heard by plain subscribers as well. */
export async function inboundLatency(bench: Bench, runs: number): Promise<number> {
  const { nc, names } = bench.bus;
  await using _bridge = await bench.bridge();
  const arrivals = new Arrivals();
  const subscription = nc.subscribe(names.execute("normal"), { callback: () => arrivals.tell() });
  await nc.flush();
  try {
    return await median(runs, arrivals, (id) => bench.send(FLOWS, flowBody(id)));
  } finally {
    subscription.unsubscribe();
  }
}

/** From storing a result until a queue that is bound to the events has given it out. */
export async function outboundLatency(bench: Bench, runs: number): Promise<number> {
  await using _bridge = await bench.bridge();
  const { queue } = await bench.channel.assertQueue("", { exclusive: true });
  await bench.channel.bindQueue(queue, "batuta.events", "flow.#");
  await using arrivals = await arrivalsOf(bench, queue);
  return await median(runs, arrivals, (id) => storeResult(bench, id));
}

/** Tells the next that waits. */
class Arrivals implements AsyncDisposable {
  readonly #end: () => Promise<unknown>;
  #arrived: () => void = () => {};

  constructor(end: () => Promise<unknown> = async () => {}) {
    this.#end = end;
  }

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#arrived = resolve;
    });
  }

  tell(): void {
    this.#arrived();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}

async function arrivalsOf({ channel }: Bench, queue: string): Promise<Arrivals> {
  const arrivals: Arrivals = new Arrivals(() => channel.cancel(consumerTag));
  const { consumerTag } = await channel.consume(queue, () => arrivals.tell(), { noAck: true });
  return arrivals;
}

async function median(
  runs: number,
  arrivals: Arrivals,
  send: (id: string) => unknown,
): Promise<number> {
  const samples: number[] = [];
  for (let run = 0; run < WARM_UP + runs; run += 1) {
    const arrived = arrivals.next();
    const from = performance.now();
    await send(randomUUID());
    await arrived;
    if (run >= WARM_UP) samples.push(performance.now() - from);
  }
  return latencyOf(samples).p50Ms;
}
