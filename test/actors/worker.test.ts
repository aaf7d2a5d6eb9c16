import { describe, expect, test } from "vitest";
import { NEWER, OLDER, T, TestWorker, type WorkerOptions } from "./support.ts";

describe("registering", () => {
  test("a worker is healthy after two beats and an answered canary, and not before", () => {
    const worker = new TestWorker();
    worker.answersPings = false;
    worker.beats(3);
    expect(worker.state).toBe("registering");
    worker.send({ type: "pong" });
    expect(worker.state).toBe("healthy");
    expect(worker.did).toEqual(["announce null -> registering", "announce registering -> healthy"]);
  });

  test("an answered canary without beats is not enough", () => {
    const worker = new TestWorker().send({ type: "pong" }).beats(1);
    expect(worker.state).toBe("registering");
    expect(worker.standing.assignable).toBe(false);
  });

  test("a worker that does not prove itself in 10 intervals is offline", () => {
    const worker = new TestWorker().silence(10 * T - 1);
    expect(worker.state).toBe("registering");
    worker.silence(1);
    expect(worker.state).toBe("offline");
    expect(worker.ref.snapshot().output).toMatchObject({ reason: "unproven" });
  });

  test("a worker that registers sick is critical as soon as it is proven", () => {
    const worker = new TestWorker().send({ type: "pong" }).beats(2, { status: "critical" });
    expect(worker.state).toBe("critical");
  });
});

describe("healthy <-> degraded", () => {
  test("two poor beats in a row degrade, two with a good one between do not", () => {
    const worker = new TestWorker().proven();
    worker.beats(1, { eventLoopLagMs: 600 }).beats(1).beats(1, { eventLoopLagMs: 600 });
    expect(worker.state).toBe("healthy");
    worker.beats(1, { eventLoopLagMs: 600 });
    expect(worker.state).toBe("degraded.limited");
    expect(worker.reasons).toContain("event loop lag 600 ms is above 500 ms (+2)");
  });

  test("the worker's own word degrades at once", () => {
    const worker = new TestWorker().proven().beats(1, { status: "degraded" });
    expect(worker.state).toBe("degraded.limited");
    expect(worker.reasons).toContain("the worker says degraded");
  });

  test("a beat late by 2.5 intervals degrades, on the millisecond", () => {
    const worker = new TestWorker().proven().pass(2.5 * T - 1);
    expect(worker.state).toBe("healthy");
    worker.pass(1);
    expect(worker.state).toBe("degraded.limited");
    expect(worker.reasons).toBe("no beat for 5.0 s");
  });

  test("a worker that beats in time is woken by its beats only", () => {
    const eventsOf = (options: WorkerOptions) => {
      const worker = new TestWorker(options).proven();
      worker.answersPings = false;
      let events = 0;
      worker.ref.subscribe(() => {
        events += 1;
      });
      worker.beats(10);
      return events;
    };
    expect(eventsOf({})).toBe(10);
    expect(eventsOf({ isEveryLookTaken: true })).toBeGreaterThan(10);
  });

  test("the timer of its silence is told as what is left of it, from its last beat on", () => {
    const worker = new TestWorker().proven().beats(3).pass(500);
    const [timer] = worker.ref.inspect().timers;
    expect(timer?.name).toBe("silence");
    expect((timer?.dueAt ?? 0) - worker.clock.now()).toBeGreaterThanOrEqual(2.5 * T - 500);
  });

  test("a late worker that answers pings gets a quarter, one that does not gets nothing", () => {
    const worker = new TestWorker().proven().pass(2.5 * T);
    expect(worker.standing).toMatchObject({ assignable: true, weight: 0.25, slotShare: 0.5 });
    worker.silence(2 * T);
    expect(worker.state).toBe("degraded.suspect");
    expect(worker.standing).toMatchObject({ assignable: false, weight: 0, suspect: true });
    worker.beat();
    expect(worker.standing).toMatchObject({ assignable: true, weight: 0.25, suspect: false });
    expect(worker.facts.falseSuspicions).toBe(1);
  });

  test("four good beats do not recover it before 15 s, and 15 s not without four good beats", () => {
    const early = new TestWorker().proven().beats(1, { status: "degraded" });
    for (let i = 0; i < 4; i++) early.pass(500).beat();
    expect(early.state).toBe("degraded.limited");

    const few = new TestWorker().proven().beats(1, { status: "degraded" });
    few.beats(5, { eventLoopLagMs: 600 }).beats(3);
    expect(few.state).toBe("degraded.limited");
    few.beats(1);
    expect(few.state).toBe("healthy");
  });

  test("a score of 1 is good enough to recover", () => {
    const worker = new TestWorker().proven().beats(1, { status: "degraded" });
    worker.beats(8, { eventLoopLagMs: 150 });
    expect(worker.state).toBe("healthy");
    expect(worker.reasons).toBe("recovered");
  });

  test("good beats from before it was degraded do not count", () => {
    const worker = new TestWorker()
      .proven()
      .beats(10)
      .pass(2.5 * T + 15_000)
      .beat();
    expect(worker.beats(2).state).toBe("degraded.limited");
    expect(worker.beats(1).state).toBe("healthy");
  });

  test("fullness is not sickness", () => {
    const worker = new TestWorker().proven().beats(20, { inFlight: 5 });
    expect(worker.state).toBe("healthy");
  });
});

describe("critical", () => {
  test("memory above 95 % is enough once, a score of 5 twice", () => {
    expect(new TestWorker().proven().beats(1, { memoryUsagePercent: 96 }).state).toBe("critical");
    const sick = { memoryUsagePercent: 91, eventLoopLagMs: 700 };
    const worker = new TestWorker().proven().beats(1, sick);
    expect(worker.state).toBe("healthy");
    expect(worker.beats(1, sick).state).toBe("critical");
    expect(worker.standing).toMatchObject({ assignable: false, weight: 0, score: 5 });
  });

  test("it never goes straight to healthy", () => {
    const worker = new TestWorker().proven().beats(1, { status: "critical" });
    const seen = new Set<string>();
    worker.ref.subscribe(({ state }) => seen.add(state));
    worker.beats(15);
    expect([...seen]).toEqual(["critical", "degraded.limited"]);
    worker.beats(8);
    expect(worker.state).toBe("healthy");
    expect(worker.did.filter((line) => line.startsWith("announce critical"))).toEqual([
      "announce critical -> degraded",
    ]);
  });

  test("it improves on 6 beats of at most 3, 30 s and an answered canary", () => {
    const worker = new TestWorker().proven().beats(1, { status: "critical" });
    worker.answersPings = false;
    worker.beats(20, { memoryUsagePercent: 92 });
    expect(worker.state).toBe("critical");
    worker.send({ type: "pong" });
    expect(worker.state).toBe("degraded.limited");
    expect(worker.reasons).toMatch(/^improved/);
  });

  test("it does not improve before 30 s", () => {
    const worker = new TestWorker().proven().beats(1, { status: "critical" }).beats(14);
    expect(worker.state).toBe("critical");
    expect(worker.beats(1).state).toBe("degraded.limited");
  });

  test("critical for 60 s is quarantine", () => {
    const worker = new TestWorker().proven().beats(1, { status: "critical" });
    worker.beats(29, { status: "critical" });
    expect(worker.state).toBe("critical");
    worker.beats(1, { status: "critical" });
    expect(worker.state).toBe("draining");
    expect(worker.reasons).toBe("quarantined: critical for 60.0 s");
    expect(worker.did.at(-1)).toBe("sendDrain quarantined: critical for 60.0 s");
  });

  test("the third visit within 10 minutes is quarantine", () => {
    const worker = new TestWorker().proven();
    for (let visit = 1; visit <= 2; visit++) {
      worker.beats(1, { status: "critical" });
      expect(worker.state).toBe("critical");
      worker.beats(20);
    }
    worker.beats(1, { status: "critical" });
    expect(worker.state).toBe("draining");
    expect(worker.reasons).toBe("quarantined: critical 3 times in 10 minutes");
  });

  test("three visits over more than 10 minutes are not", () => {
    const worker = new TestWorker().proven();
    for (let visit = 1; visit <= 4; visit++) {
      worker.beats(1, { status: "critical" });
      expect(worker.state).toBe("critical");
      worker.beats(160);
      expect(worker.state).toBe("healthy");
    }
  });
});

describe("draining", () => {
  test("a drained worker without tasks is offline after two beats that list none", () => {
    const worker = new TestWorker().proven().send({ type: "drain", reason: "scale-down" });
    expect(worker.state).toBe("draining");
    expect(worker.did.slice(-2)).toEqual(["announce healthy -> draining", "sendDrain scale-down"]);
    worker.beats(1);
    expect(worker.state).toBe("draining");
    worker.beats(1);
    expect(worker.state).toBe("offline");
    expect(worker.did.at(-1)).toBe("redistribute drained clean");
  });

  test("it waits for what it holds, by its own word and by ours", () => {
    const worker = new TestWorker().proven().send({ type: "inFlight", count: 1 });
    worker.send({ type: "drain", reason: "test" }).beats(3);
    expect(worker.state).toBe("draining");
    worker.send({ type: "inFlight", count: 0 });
    expect(worker.state).toBe("offline");

    const other = new TestWorker().proven().send({ type: "drain", reason: "test" });
    other.beats(3, { inFlight: 1 });
    expect(other.state).toBe("draining");
  });

  test("after the grace the rest is redistributed", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "drain", reason: "test", deadlineMs: 10_000 });
    worker.beats(4, { inFlight: 2 }).pass(T - 1);
    expect(worker.state).toBe("draining");
    worker.pass(1);
    expect(worker.ref.snapshot().output).toMatchObject({ reason: "grace-over", inFlight: 2 });
    expect(worker.did.at(-1)).toBe("redistribute grace-over clean");
  });

  test("a second order does not lengthen the grace, but may shorten it", () => {
    const worker = new TestWorker().proven().send({ type: "drain", reason: "one" });
    worker.send({ type: "drain", reason: "two", deadlineMs: 600_000 });
    expect(worker.facts.drainUntil - worker.clock.now()).toBe(30_000);
    expect(worker.facts.reasons).toEqual(["one"]);
    worker.send({ type: "drain", reason: "three", deadlineMs: 1_000 }).pass(1_000);
    expect(worker.state).toBe("offline");
  });

  test("liveness is still watched", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "drain", reason: "test", deadlineMs: 600_000 }).silence(6 * T);
    expect(worker.ref.snapshot().output).toMatchObject({ reason: "silent", clean: false });
  });

  test("nothing but offline leads out of it", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "drain", reason: "test", deadlineMs: 600_000 });
    worker.beats(30, { inFlight: 1 }).beats(2, { inFlight: 1, status: "critical" });
    expect(worker.state).toBe("draining");
  });
});

describe("offline", () => {
  test("silent for 6 intervals and unreachable, on the millisecond", () => {
    const worker = new TestWorker().proven().silence(6 * T - 1);
    expect(worker.state).toBe("degraded.suspect");
    worker.silence(1);
    expect(worker.state).toBe("offline");
    expect(worker.reasons).toBe("silent for 12.0 s and unreachable");
    expect(worker.did.slice(-2)).toEqual(["announce degraded -> offline", "redistribute silent"]);
  });

  test("a silent worker that answers pings lives", () => {
    const worker = new TestWorker().proven().pass(60 * T);
    expect(worker.state).toBe("degraded.limited");
    worker.silence(3 * T);
    expect(worker.state).toBe("offline");
  });

  test("an answered ping counts for 2.5 s", () => {
    const old = new TestWorker().proven().silence(9_500).send({ type: "pong" }).silence(2_500);
    expect(old.state).toBe("offline");
    const fresh = new TestWorker().proven().silence(9_501).send({ type: "pong" }).silence(2_499);
    expect(fresh.state).toBe("degraded.limited");
  });

  test.each([
    [{ type: "unreachable" }, "unreachable", false],
    [{ type: "bye" }, "bye", true],
    [{ type: "exit", code: 0 }, "exited", true],
    [{ type: "exit", code: 1 }, "exited", false],
    [{ type: "exit", signal: "SIGKILL" }, "exited", false],
    [{ type: "evict", incarnation: NEWER }, "evicted", true],
  ] as const)("%o ends the actor", (event, reason, clean) => {
    const worker = new TestWorker().proven().send(event);
    expect(worker.ref.snapshot()).toMatchObject({ status: "done", output: { reason, clean } });
    expect(worker.kernel.find("worker/w1")).toBeUndefined();
    expect(worker.clock.pending).toBe(0);
  });

  test("events that come after it are dead letters", () => {
    const worker = new TestWorker().proven().send({ type: "bye" });
    expect(worker.ref.send({ type: "pong" })).toBe(false);
    expect(worker.kernel.counters.deadLetters).toBe(1);
  });
});

describe("late news of another process", () => {
  test("beats of an old incarnation are counted and dropped", () => {
    const worker = new TestWorker().proven();
    worker.beat({ incarnation: OLDER, status: "critical" });
    worker.beat({ incarnation: NEWER, status: "critical" });
    expect(worker.state).toBe("healthy");
    expect(worker.facts.staleEvents).toBe(2);
  });

  test("a beat that goes back in sequence, or comes twice, is counted and dropped", () => {
    const worker = new TestWorker().proven();
    const { seq } = worker.facts;
    worker.beat({ seq, status: "critical" }).beat({ seq: seq - 1, status: "critical" });
    expect(worker.state).toBe("healthy");
    expect(worker.facts).toMatchObject({ staleEvents: 2, seq });
  });

  test("late beats of an old incarnation do not keep a silent worker alive", () => {
    const worker = new TestWorker().proven();
    worker.answersPings = false;
    for (let i = 0; i < 6; i++) worker.pass(T).beat({ incarnation: OLDER });
    expect(worker.state).toBe("offline");
  });

  test("bye, exit, pong and registration of another process are dropped", () => {
    const worker = new TestWorker().proven();
    const before = worker.facts;
    worker
      .send({ type: "bye", incarnation: OLDER })
      .send({ type: "exit", pid: 1, code: 1 })
      .send({ type: "pong", incarnation: OLDER })
      .send({ type: "evict", incarnation: OLDER })
      .send({
        type: "registered",
        incarnation: OLDER,
        manifest: { ...before.manifest, pool: "other" },
      });
    expect(worker.facts).toEqual({ ...before, staleEvents: 5 });
  });

  test("an eviction by an older or the same incarnation is refused", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "evict", incarnation: OLDER });
    worker.send({ type: "evict", incarnation: worker.facts.incarnation });
    expect(worker.state).toBe("healthy");
  });
});
