import type { JsMsg } from "@nats-io/jetstream";
import { expect, onTestFinished, test } from "vitest";
import { type Bus, connectBus } from "../../src/bus/connect.ts";
import { ensureTopology } from "../../src/bus/topology.ts";
import { findUnheld, handBack, type UnheldOptions } from "../../src/bus/unheld.ts";
import { DISPATCH_CONSUMER } from "../../src/messages/subjects.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

/** Far below ack_wait, which is 30 s: what comes within this was not waited for. */
const AT_ONCE_MS = 5_000;

async function laneWith(prefix: string, count: number): Promise<Bus> {
  const bus = await connectBus({ url: nats.url, prefix, name: "unheld test" });
  onTestFinished(() => bus.close());
  await ensureTopology(bus);
  for (let task = 1; task <= count; task += 1) await submit(bus);
  return bus;
}

async function submit(bus: Bus): Promise<void> {
  await bus.js.publish(bus.names.execute("normal"), "a task");
}

async function pull(bus: Bus, count: number): Promise<JsMsg[]> {
  const stream = bus.names.streams.flows.normal;
  const consumer = await bus.js.consumers.get(stream, DISPATCH_CONSUMER);
  const messages: JsMsg[] = [];
  for await (const msg of await consumer.fetch({ max_messages: count, expires: AT_ONCE_MS })) {
    messages.push(msg);
  }
  return messages;
}

/** Sequence and delivery count of each, by sequence: redelivery keeps no order. */
function deliveries(messages: readonly JsMsg[]): [number, number][] {
  return messages
    .map(({ info }): [number, number] => [info.streamSequence, info.deliveryCount])
    .sort(([a], [b]) => a - b);
}

const nobody = () => false;

/** Finds what nobody holds and hands it back; resolves with the stream sequences. */
async function handBackUnheld(bus: Bus, options: UnheldOptions): Promise<number[]> {
  const unheld = await findUnheld(bus, "normal", options);
  handBack(bus, "normal", unheld);
  return unheld.map(({ streamSequence }) => streamSequence);
}

/** Redelivery goes first: when a new message is what comes next, no other was waiting. */
async function expectNoneWaiting(bus: Bus): Promise<void> {
  await submit(bus);
  expect(deliveries(await pull(bus, 1))).toEqual([[expect.any(Number), 1]]);
}

test("what was delivered and is on nobody's books is redelivered at once, and nothing else", async ({
  task,
}) => {
  const bus = await laneWith(testPrefix(task), 5);
  const [first] = await pull(bus, 5);
  await first?.ackAck();
  const held = new Set([2, 4]);
  const isHeld = (sequence: number) => held.has(sequence);
  expect(await handBackUnheld(bus, { after: 0, isHeld })).toEqual([3, 5]);
  const again = await pull(bus, 2);
  expect(deliveries(again)).toEqual([
    [3, 2],
    [5, 2],
  ]);
  await expectNoneWaiting(bus);
});

test("what was not delivered yet is not touched", async ({ task }) => {
  const bus = await laneWith(testPrefix(task), 5);
  await pull(bus, 3);
  const handedBack = await handBackUnheld(bus, { after: 0, isHeld: nobody });
  expect(handedBack).toEqual([1, 2, 3]);
  expect(deliveries(await pull(bus, 5))).toEqual([
    [1, 2],
    [2, 2],
    [3, 2],
    [4, 1],
    [5, 1],
  ]);
});

test("what is not after `after` is left alone, and so is what exceeds the limit", async ({
  task,
}) => {
  const bus = await laneWith(testPrefix(task), 5);
  await pull(bus, 5);
  const handedBack = await handBackUnheld(bus, { after: 2, isHeld: nobody, limit: 2 });
  expect(handedBack).toEqual([3, 4]);
  expect(deliveries(await pull(bus, 2))).toEqual([
    [3, 2],
    [4, 2],
  ]);
  await expectNoneWaiting(bus);
});

test("a gap of acked messages is skipped, as often as the rest is handed back", async ({
  task,
}) => {
  const bus = await laneWith(testPrefix(task), 6);
  const messages = await pull(bus, 6);
  for (const msg of messages.slice(1, 4)) await msg.ackAck();
  for (const deliveryCount of [2, 3]) {
    expect(await handBackUnheld(bus, { after: 0, isHeld: nobody })).toEqual([1, 5, 6]);
    expect(deliveries(await pull(bus, 3))).toEqual([
      [1, deliveryCount],
      [5, deliveryCount],
      [6, deliveryCount],
    ]);
  }
});

/** For `isHeld`, which is asked before the look and after it: acks `msg` at the second, last moment. */
function ackingLate(msg: JsMsg | undefined): (sequence: number) => boolean {
  let asked = 0;
  return (sequence) => {
    if (sequence !== msg?.seq) return false;
    asked += 1;
    if (asked === 2) msg.ack();
    return false;
  };
}

test("what is acked just before it is handed back is not redelivered", async ({ task }) => {
  const bus = await laneWith(testPrefix(task), 3);
  const isHeld = ackingLate((await pull(bus, 3))[1]);
  expect(await handBackUnheld(bus, { after: 0, isHeld })).toEqual([1, 2, 3]);
  expect(deliveries(await pull(bus, 2))).toEqual([
    [1, 2],
    [3, 2],
  ]);
  await expectNoneWaiting(bus);
});

test("nor is it when nothing else is out", async ({ task }) => {
  const bus = await laneWith(testPrefix(task), 1);
  const isHeld = ackingLate((await pull(bus, 1))[0]);
  expect(await handBackUnheld(bus, { after: 0, isHeld })).toEqual([1]);
  await expectNoneWaiting(bus);
});

test("a lane that delivered nothing has nothing to hand back", async ({ task }) => {
  const bus = await laneWith(testPrefix(task), 1);
  expect(await handBackUnheld(bus, { after: 0, isHeld: nobody })).toEqual([]);
  expect(deliveries(await pull(bus, 1))).toEqual([[1, 1]]);
});
