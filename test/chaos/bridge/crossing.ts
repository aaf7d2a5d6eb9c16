import { setTimeout as pause } from "node:timers/promises";
import { type Channel, connect } from "amqplib";
import { FLOWS, resultOf } from "../../../bench/amqp/rates.ts";
import { pipelined } from "../../../bench/measure.ts";
import type { OwnRabbit } from "../../../scripts/own-rabbit.ts";
import type { Bus } from "../../../src/bus/connect.ts";
import { publishStored } from "../../../src/bus/publish.ts";
import type { NatsServer } from "../../../src/nats-server/start.ts";
import type { BridgeUnderTest } from "./bridge-under-test.ts";
import { Producer } from "./producer.ts";

export interface Scene {
  readonly bus: Bus;
  readonly server: NatsServer;
  readonly rabbit: OwnRabbit;
  readonly bridge: BridgeUnderTest;
  readonly messages: number;
  readonly tell: (line: string) => void;
}

interface Ledger {
  readonly sent: number;
  readonly lost: number;
  readonly twice: number;
}

export interface Crossing {
  readonly inbound: Ledger;
  readonly outbound: Ledger;
  readonly seconds: number;
}

const QUORUM = { durable: true, arguments: { "x-queue-type": "quorum" } };
const EVENTS = "chaos.events";
const BATCH = 500;
const LOOK_MS = 100;
/** How long nothing may move before what is missing counts as lost. */
const STILL_MS = 60_000;

/** Both ways at once, while one process after the other is killed. */
export async function crossBoth(scene: Scene): Promise<Crossing> {
  const { rabbit, messages } = scene;
  const from = performance.now();
  await bindEvents(rabbit);
  const ids = Array.from({ length: messages }, (_, i) => `x-${i}`);
  const producer = new Producer(rabbit.url, FLOWS);
  const sending = Promise.all([producer.publish(ids), storeResults(scene, ids)]);
  await killAll(scene);
  await sending;
  await producer.close();
  await untilStill(scene);
  const inbound = ledgerOf(ids, await storedIds(scene.bus));
  const outbound = ledgerOf(ids, await toldIds(rabbit));
  return { inbound, outbound, seconds: (performance.now() - from) / 1_000 };
}

async function bindEvents(rabbit: OwnRabbit): Promise<void> {
  await withChannel(rabbit, async (channel) => {
    await channel.assertQueue(EVENTS, QUORUM);
    await channel.bindQueue(EVENTS, "batuta.events", "flow.#");
  });
}

/** As fast as flows come in, so that whatever is killed has both under way. */
async function storeResults(scene: Scene, ids: readonly string[]): Promise<void> {
  for (let from = 0; from < ids.length; from += BATCH) {
    await untilThere(scene, from);
    await Promise.all(ids.slice(from, from + BATCH).map((id) => untilStored(scene.bus, id)));
  }
}

async function untilStored(bus: Bus, id: string): Promise<void> {
  const headers = [["Nats-Msg-Id", `result-${id}`]] as const;
  const text = JSON.stringify(resultOf(id));
  await publishStored(bus, bus.names.result(id), text, headers, 120_000);
}

/** At a sixth, a third and a half of the way the bridge, then NATS, then RabbitMQ. */
async function killAll(scene: Scene): Promise<void> {
  const { bridge, rabbit, server, messages, tell } = scene;
  for (const sixth of [1, 2, 3]) {
    await untilThere(scene, (messages * sixth) / 6);
    tell(`kill -9 the bridge, with ${await there(scene)} of ${messages} flows there`);
    await bridge.kill();
    await bridge.start();
  }
  await untilThere(scene, (messages * 4) / 6);
  tell("kill -9 nats-server");
  process.kill(server.pid ?? 0, "SIGKILL");
  await untilThere(scene, (messages * 5) / 6);
  tell("kill -9 RabbitMQ");
  await rabbit.kill();
  await rabbit.begin();
}

async function untilThere(scene: Scene, count: number): Promise<void> {
  while ((await there(scene)) < count) await pause(LOOK_MS);
}

/** Asked again while NATS is away. */
async function there({ bus }: Scene): Promise<number> {
  for (;;) {
    try {
      return (await bus.jsm.streams.info(bus.names.streams.flows.normal)).state.messages;
    } catch {
      await pause(LOOK_MS);
    }
  }
}

/** Nothing waits any more in a queue, nor for the bridge; or nothing moves. */
async function untilStill(scene: Scene): Promise<void> {
  let [last, since] = ["", performance.now()];
  while (performance.now() - since < STILL_MS) {
    const left = await leftOf(scene);
    if (left.every((count) => count === 0)) return;
    if (left.join() !== last) [last, since] = [left.join(), performance.now()];
    await pause(LOOK_MS);
  }
}

async function leftOf({ bus, rabbit }: Scene): Promise<number[]> {
  const flows = await withChannel(
    rabbit,
    async (channel) => (await channel.checkQueue(FLOWS)).messageCount,
  );
  const { num_pending, num_ack_pending } = await bus.jsm.consumers.info(
    bus.names.streams.results,
    "amqp-bridge",
  );
  return [flows, num_pending, num_ack_pending];
}

/** One by one: a work queue has no other readers than who works it off. */
async function storedIds(bus: Bus): Promise<string[]> {
  const stream = bus.names.streams.flows.normal;
  const { first_seq, messages } = (await bus.jsm.streams.info(stream)).state;
  const ids: string[] = [];
  await pipelined(messages, BATCH, async (i) => {
    const stored = await bus.jsm.streams.getMessage(stream, { seq: first_seq + i });
    ids.push(stored?.json<{ executionId: string }>().executionId ?? "");
  });
  return ids;
}

async function toldIds(rabbit: OwnRabbit): Promise<string[]> {
  return await withChannel(rabbit, async (channel) => {
    const ids: string[] = [];
    for (;;) {
      const message = await channel.get(EVENTS, { noAck: true });
      if (message === false) return ids;
      ids.push(JSON.parse(message.content.toString()).executionId);
    }
  });
}

function ledgerOf(sent: readonly string[], arrived: readonly string[]): Ledger {
  const known = new Set(arrived);
  const lost = sent.filter((id) => !known.has(id)).length;
  return { sent: sent.length, lost, twice: arrived.length - known.size };
}

async function withChannel<T>(
  { url }: OwnRabbit,
  act: (channel: Channel) => Promise<T>,
): Promise<T> {
  const model = await connect(url);
  try {
    return await act(await model.createChannel());
  } finally {
    await model.close();
  }
}
