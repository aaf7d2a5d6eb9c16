import { expect, test } from "vitest";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";
import type { Heartbeat } from "../../src/messages/worker.ts";
import { Fleet } from "../../src/processes/fleet.ts";
import { quarantineOf } from "../../src/processes/member.ts";
import { idleBeat, registrationOf } from "../support/fake-worker.ts";

const START = Date.parse("2026-01-01T00:00:00.000Z");
const BEAT_MS = 400;

/** A fleet on a clock that is moved by hand, and what it told. */
class TestFleet {
  readonly clock = new VirtualClock(START);
  readonly told: string[] = [];
  /** What the worker was given and does not list, if it was given it before. */
  given: { id: string; at: number }[] = [];
  readonly fleet: Fleet;
  readonly registration = registrationOf("w1", {
    incarnation: "01B",
    heartbeatIntervalMs: BEAT_MS,
  });
  #seq = 0;

  constructor() {
    const kernel = new Kernel({
      clock: this.clock,
      onFault: ({ error, restartInMs }) => {
        if (restartInMs === undefined) this.fleet.faulted("w1", error);
      },
    });
    const tell = (what: string) => this.told.push(what);
    this.fleet = new Fleet({
      kernel,
      now: () => this.clock.now(),
      inFlightOf: () => this.given.length,
      assignedBefore: (_, before) => this.given.filter(({ at }) => at < before).map(({ id }) => id),
      notHeld: (_, ids) => {
        this.given = this.given.filter(({ id }) => !ids.includes(id));
      },
      drainTimeoutMs: 60_000,
      doubt: tell,
      freeze: () => undefined,
      direct: async () => false,
      heartbeatIntervalMs: BEAT_MS,
      announce: ({ to, reasons }) => tell(`${to}: ${reasons.join("; ")}`),
      redistribute: ({ text }) => tell(`redistribute: ${text}`),
      sendDrain: ({ reason }) => tell(`drain: ${reason}`),
      stranger: (workerId) => tell(`stranger: ${workerId}`),
      outdated: (_, incarnation) => tell(`outdated: ${incarnation}`),
      refused: ({ reason }) => tell(`refused: ${reason}`),
      escalated: (reason) => tell(`escalated: ${reason}`),
      fault: (error) => tell(`fault: ${error}`),
    });
    const changedAt = new Date(START).toISOString();
    const { registration } = this;
    this.fleet.join({ registration, state: "registering", reasons: [], changedAt });
  }

  get member() {
    const member = this.fleet.find("w1");
    if (member === undefined) throw new Error("w1 is not there");
    return member;
  }

  beats(count: number, change: (idle: Heartbeat) => Heartbeat = (idle) => idle): this {
    for (let each = 0; each < count; each += 1) {
      this.clock.advance(BEAT_MS);
      this.fleet.pong("w1", "01B", this.clock.now());
      const beat = change(idleBeat("w1", "01B", this.#seq++));
      this.fleet.heartbeat(beat, this.clock.now());
    }
    return this;
  }

  /** Something that nobody should be able to send: the actor fails on it. */
  breaks(times = 4): this {
    for (let each = 0; each < times; each += 1) {
      this.member.ref.send({ type: "heartbeat", beat: null } as never);
      this.clock.advance(2_000);
    }
    return this;
  }
}

test("a worker whose actor fails too often gets nothing, and is told as critical with until when", () => {
  const { fleet, member, clock } = new TestFleet().beats(2).breaks();
  expect(fleet.candidates()).toMatchObject([{ workerId: "w1", assignable: false }]);
  expect(member.standing.state).toBe("critical");
  expect(member.standing.reasons).toEqual([
    expect.stringMatching(/^actor-fault: /),
    expect.stringMatching(/^quarantined until 2026-.*: its actor failed too often: /),
  ]);
  expect(quarantineOf(member, clock.now())?.reason).toMatch(/^its actor failed too often/);
});

test("after a cool-down it is watched again, as a critical one that has to improve", () => {
  const test = new TestFleet().beats(2).breaks();
  test.beats(30);
  expect(test.member.ref.snapshot()).toMatchObject({ status: "active", state: "critical" });
  expect(quarantineOf(test.member, test.clock.now())).toBeUndefined();
  test.beats(80);
  expect(test.member.standing).toMatchObject({ state: "degraded", assignable: true });
});

test("each further fault keeps it away for twice as long", () => {
  const test = new TestFleet().beats(2).breaks().beats(30).breaks();
  const { until } = quarantineOf(test.member, test.clock.now()) ?? { until: "" };
  const leftMs = Date.parse(until) - test.clock.now();
  expect(leftMs).toBeGreaterThan(10_000);
  expect(leftMs).toBeLessThanOrEqual(20_000);
});

test("one that registers anew, or that nobody listens for any more, does not wait for it", () => {
  const anew = new TestFleet().beats(2).breaks();
  const registration = { ...anew.registration, incarnation: "01C" };
  const changedAt = new Date(START).toISOString();
  anew.fleet.join({ registration, state: "registering", reasons: [], changedAt });
  expect(anew.member.standing.state).toBe("registering");

  const gone = new TestFleet().beats(2).breaks();
  gone.fleet.unreachable("w1");
  expect(gone.fleet.find("w1")).toBeUndefined();
  expect(gone.told).toContain("redistribute: unreachable: ping had no responders");
});

test("a beat that goes back changes nothing of what is known of a worker", () => {
  const test = new TestFleet().beats(3);
  const { lastBeat } = test.member;
  const full = { ...idleBeat("w1", "01B", 1), draining: true };
  test.fleet.heartbeat(full, test.clock.now());
  expect(test.member.lastBeat).toBe(lastBeat);
  expect(test.member.standing.state).toBe("healthy");
  expect(test.told).toContain("refused: old_sequence");
});

test("a process that was replaced is told to go, once a second at the most", () => {
  const test = new TestFleet().beats(2);
  for (let each = 0; each < 30; each += 1) {
    test.clock.advance(100);
    test.fleet.heartbeat(idleBeat("w1", "01A", each), test.clock.now());
  }
  expect(test.told.filter((line) => line === "outdated: 01A").length).toBe(3);
});

test("a worker that swallows what it is given is drained, and kept away from work for it", () => {
  const test = new TestFleet().beats(2);
  test.given = Array.from({ length: 11 }, (_, id) => ({ id: `e${id}`, at: test.clock.now() }));
  test.beats(40, (idle) => ({
    ...idle,
    performance: { ...idle.performance, tasksCompleted: test.clock.now() },
  }));
  expect(test.told).toContain("drain: quarantined: more than 10 tasks vanished there in 60 s");
});
