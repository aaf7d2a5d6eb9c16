import { expect, test } from "vitest";
import { getShortestPaths } from "xstate/graph";
import {
  type AmqpLinkContext,
  type AmqpLinkEvent,
  type AmqpLinkInput,
  amqpLinkMachine,
  backoffMs,
} from "../../actors/amqp-link.ts";
import { amqpLinkWith } from "../../actors/amqp-link-effects.ts";
import { chartOf } from "../../src/domain/chart.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";

const INPUT: AmqpLinkInput = {
  direction: "in",
  server: "amqp://broker",
  holdMaxMs: 600_000,
  drainMaxMs: 5_000,
  random: () => 1,
};

function startLink() {
  const clock = new VirtualClock();
  const did: string[] = [];
  const machine = amqpLinkWith({
    connect: () => did.push("connect"),
    declare: () => did.push("declare"),
    work: () => did.push("work"),
    stopTaking: () => did.push("stopTaking"),
    disconnect: () => did.push("disconnect"),
    effectFailed: (effect, error) => did.push(`${effect} failed: ${error}`),
  });
  const ref = new Kernel({ clock }).start<AmqpLinkEvent, AmqpLinkInput, AmqpLinkContext>({
    address: "bridge/in",
    machine,
    input: INPUT,
  });
  const send = (...events: AmqpLinkEvent[]) => {
    for (const event of events) ref.send(event);
    return ref.snapshot().state;
  };
  return { clock, did, ref, send };
}

test("it connects, declares, and works", () => {
  const { did, send } = startLink();
  expect(send({ type: "connected" })).toBe("declaring");
  expect(send({ type: "declared" })).toBe("running.flowing");
  expect(did).toEqual(["connect", "declare", "work"]);
});

test("what fails is tried again ever later, and from the start once it has worked", () => {
  const { clock, did, send, ref } = startLink();
  const waits: number[] = [];
  for (let i = 0; i < 10; i += 1) {
    send({ type: "failed", reason: "ACCESS_REFUSED" });
    const [timer] = ref.inspect().timers;
    waits.push(timer?.delayMs ?? Number.NaN);
    clock.advance(timer?.delayMs ?? 0);
    expect(ref.snapshot().state).toBe("connecting");
  }
  expect(waits).toEqual([200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  expect(did.filter((effect) => effect === "disconnect")).toHaveLength(10);
  send({ type: "connected" }, { type: "declared" });
  expect(ref.snapshot().context).toMatchObject({ failures: 0, runs: 1, reason: undefined });
});

test("chance takes away half of a wait at the most", () => {
  expect([backoffMs(0, 0), backoffMs(0, 1), backoffMs(50, 0), backoffMs(50, 1)]).toEqual([
    100, 200, 15_000, 30_000,
  ]);
});

test("a broker that blocks is waited for, without an end", () => {
  const { clock, did, send, ref } = startLink();
  send({ type: "connected" }, { type: "declared" }, { type: "blocked", reason: "memory" });
  clock.advance(24 * 3_600_000);
  expect(ref.snapshot()).toMatchObject({ state: "running.blocked", context: { reason: "memory" } });
  expect(send({ type: "unblocked" })).toBe("running.flowing");
  expect(did).not.toContain("disconnect");
});

test("what has come is held while NATS is away, and handed back only after a long while", () => {
  const { clock, did, send, ref } = startLink();
  const held = { type: "held", reason: "no streams" } as const;
  send({ type: "connected" }, { type: "declared" }, held);
  clock.advance(599_999);
  send(held);
  expect(ref.snapshot().state).toBe("running.held");
  expect(send({ type: "released" })).toBe("running.flowing");
  send(held);
  clock.advance(600_000);
  expect(ref.snapshot().state).toBe("backoff");
  expect(ref.snapshot().context.reason).toBe("held for 600 s: no streams");
  expect(did.at(-1)).toBe("disconnect");
});

test("it drains before it closes, but not for ever", () => {
  const settled = startLink();
  settled.send({ type: "connected" }, { type: "declared" }, { type: "drain" });
  expect(settled.did.at(-1)).toBe("stopTaking");
  settled.send({ type: "drained" });
  expect(settled.ref.snapshot().status).toBe("done");
  const stuck = startLink();
  stuck.send({ type: "connected" }, { type: "declared" }, { type: "drain" });
  stuck.clock.advance(5_000);
  expect(stuck.ref.snapshot().status).toBe("done");
  const early = startLink();
  early.send({ type: "drain" });
  expect([early.ref.snapshot().status, early.did.at(-1)]).toEqual(["done", "disconnect"]);
});

test("every state is reached, and from each one it can be closed", () => {
  const chart = chartOf({ id: "amqp-link", config: amqpLinkMachine.config });
  const types = new Set(
    chart.edges.map(({ trigger, name, from }) =>
      trigger === "after" ? `xstate.after.${name}.${from}` : name,
    ),
  );
  const events = [...types].filter((type) => type !== "").map((type) => ({ type, reason: "r" }));
  const paths = getShortestPaths(amqpLinkMachine, {
    input: INPUT,
    events: events as never[],
    serializeState: ({ value }: { value: unknown }) => JSON.stringify(value),
    stopWhen: ({ status }: { status: string }) => status === "done",
  });
  expect(paths.map(({ state }) => JSON.stringify(state.value)).sort()).toEqual([
    '"backoff"',
    '"closed"',
    '"connecting"',
    '"declaring"',
    '"draining"',
    '{"running":"blocked"}',
    '{"running":"flowing"}',
    '{"running":"held"}',
  ]);
});
