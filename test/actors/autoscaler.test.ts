import { beforeEach, describe, expect, test } from "vitest";
import {
  type AutoscalerContext,
  type AutoscalerEvent,
  autoscalerWith,
  type ScalingTrouble,
} from "../../actors/index.ts";
import type { ScalingDecision } from "../../src/domain/scaling-facts.ts";
import type { ActorRef } from "../../src/kernel/actor.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";

const INTERVAL_MS = 60_000;
const HOLD: ScalingDecision = {
  action: "hold",
  desired: 2,
  count: 2,
  size: 0,
  start: 0,
  drain: [],
  reasons: ["nothing to do"],
};
const UP: ScalingDecision = { ...HOLD, action: "up", desired: 4, start: 2 };
const DOWN: ScalingDecision = { ...HOLD, action: "down", desired: 1, drain: ["w2"] };

let clock: VirtualClock;
let did: string[];
let autoscaler: ActorRef<AutoscalerEvent, AutoscalerContext>;

beforeEach(() => {
  clock = new VirtualClock(1_000_000);
  did = [];
  const machine = autoscalerWith({
    decide: () => void did.push("decide"),
    start: ({ start }) => void did.push(`start ${start}`),
    retire: ({ drain }) => void did.push(`retire ${drain.join()}`),
    tellFailing: ({ failures, retryInMs }: ScalingTrouble) =>
      void did.push(`failing ${failures} for ${retryInMs}`),
    effectFailed: (effect, error) => void did.push(`${effect} failed: ${String(error)}`),
  });
  const input = { now: () => clock.now(), intervalMs: INTERVAL_MS };
  autoscaler = new Kernel({ clock }).start({ address: "autoscaler", machine, input });
});

const send = (...events: readonly AutoscalerEvent[]) => {
  for (const event of events) autoscaler.send(event);
};
const decided = (decision: ScalingDecision) => send({ type: "decided", decision });
const state = () => autoscaler.snapshot().state;
const done = () => did.splice(0);
const crash = () => send({ type: "crashed", error: "worker w1 ended (code 1)" });

describe("the autoscaler", () => {
  test("does nothing before its orchestrator leads, and nothing after", () => {
    send({ type: "alarm", reason: "deep" });
    clock.advance(10 * INTERVAL_MS);
    expect([state(), done()]).toEqual(["suspended", []]);
    send({ type: "lead" });
    expect([state(), done()]).toEqual(["deciding", ["decide"]]);
    send({ type: "follow" });
    decided(UP);
    clock.advance(10 * INTERVAL_MS);
    expect([state(), done()]).toEqual(["suspended", []]);
  });

  test("decides once per interval while nothing presses, and at once on an alarm", () => {
    send({ type: "lead" });
    decided(HOLD);
    clock.advance(INTERVAL_MS - 1);
    expect(done()).toEqual(["decide"]);
    clock.advance(1);
    expect(done()).toEqual(["decide"]);
    decided(HOLD);
    send({ type: "alarm", reason: "1001 waiting" });
    expect([state(), done()]).toEqual(["deciding", ["decide"]]);
  });

  test("an alarm that comes while it is at work is answered right after", () => {
    send({ type: "lead" });
    decided(UP);
    send({ type: "alarm", reason: "deeper still" });
    expect([state(), done()]).toEqual(["scalingUp", ["decide", "start 2"]]);
    send({ type: "started" });
    expect([state(), done()]).toEqual(["deciding", ["decide"]]);
  });

  test("has those retired that were named", () => {
    send({ type: "lead" });
    decided(DOWN);
    expect([state(), done()]).toEqual(["scalingDown", ["decide", "retire w2"]]);
    send({ type: "retired" });
    expect(state()).toBe("idle");
  });

  test("replaces a worker that crashed at once, and waits longer each time that follows", () => {
    send({ type: "lead" });
    decided(HOLD);
    done();
    const waits: number[] = [];
    for (let crashes = 1; crashes <= 9; crashes += 1) {
      crash();
      const from = clock.now();
      while (state() === "failing") clock.advance(500);
      waits.push(clock.now() - from);
      decided(UP);
      send({ type: "started" });
    }
    expect(waits.map((waitMs) => Math.round(waitMs / 1_000))).toEqual([
      1, 1, 2, 4, 8, 16, 32, 60, 60,
    ]);
    expect(done().filter((line) => line.startsWith("start"))).toHaveLength(9);
  });

  test("forgets crashes that are long over", () => {
    send({ type: "lead" });
    decided(HOLD);
    crash();
    clock.advance(0);
    decided(HOLD);
    crash();
    clock.advance(1_000);
    decided(HOLD);
    for (let minute = 0; minute < 3; minute += 1) {
      clock.advance(INTERVAL_MS);
      decided(HOLD);
    }
    done();
    crash();
    expect(done()).toEqual(["failing 1 for 0"]);
  });

  test("a provisioner that fails is asked again after a while that grows", () => {
    send({ type: "lead" });
    const fails = () => {
      decided(UP);
      send({ type: "startFailed", error: "no socket" });
    };
    fails();
    clock.advance(0);
    fails();
    expect(state()).toBe("failing");
    expect(autoscaler.snapshot().context.lastError).toBe("no socket");
    clock.advance(999);
    expect(state()).toBe("failing");
    clock.advance(1);
    expect(state()).toBe("deciding");
    send({ type: "undecided", error: "list is a lie" });
    expect(done().at(-1)).toBe("failing 3 for 2000");
  });

  test("nothing is started within the wait, though a crash came while it was deciding", () => {
    send({ type: "lead" });
    crash();
    crash();
    crash();
    decided(UP);
    expect([state(), done()]).toEqual(["failing", ["decide", "failing 3 for 2000"]]);
    clock.advance(2_000);
    decided(UP);
    expect(done()).toEqual(["decide", "start 2"]);
  });

  test("one that failed itself and starts again goes on where its orchestrator leads", () => {
    send({ type: "lead" });
    decided(HOLD);
    const { context } = autoscaler.snapshot();
    const kernel = new Kernel({ clock });
    const again = kernel.start({
      address: "autoscaler",
      machine: autoscaler.machine as Parameters<typeof kernel.start>[0]["machine"],
      input: { now: context.now, intervalMs: INTERVAL_MS, leads: context.leads },
    });
    expect(again.snapshot().state).toBe("deciding");
  });

  test("a host that never answers does not stop it for good", () => {
    send({ type: "lead" });
    decided(UP);
    clock.advance(120_000);
    clock.advance(0);
    expect(state()).toBe("deciding");
  });
});
