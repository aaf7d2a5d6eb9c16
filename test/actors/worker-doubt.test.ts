import { describe, expect, test } from "vitest";
import { T, TestWorker } from "./support.ts";

describe("while the supervisor doubts itself", () => {
  test("no silence is held against a worker", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "freeze", reason: "reconnect", forMs: 60_000 }).silence(59_000);
    expect(worker.state).toBe("healthy");
  });

  test("silence counts from the thaw, with full grace", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "freeze", reason: "reconnect", forMs: 60_000 }).silence(20_000);
    worker.send({ type: "thaw" }).silence(2.5 * T - 1);
    expect(worker.state).toBe("healthy");
    // A look that was due during the freeze may come one interval later.
    worker.silence(T);
    expect(worker.state).toBe("degraded.suspect");
    worker.silence(3.5 * T);
    expect(worker.state).toBe("offline");
  });

  test("the silence before it still counts after it", () => {
    const worker = new TestWorker().proven().silence(5 * T);
    worker.send({ type: "freeze", reason: "lag", forMs: 9_000 }).silence(4_000);
    worker.send({ type: "thaw" }).silence(T - 1);
    expect(worker.state).toBe("degraded.suspect");
    worker.silence(T);
    expect(worker.state).toBe("offline");
    expect(worker.reasons).toMatch(/^silent for 1[23]\.\d s and unreachable$/);
  });

  test("doubts that keep coming do not let a dead worker live", () => {
    const worker = new TestWorker().proven();
    for (let doubt = 0; doubt < 12 && worker.state !== "offline"; doubt += 1)
      worker.silence(3_000).send({ type: "freeze", reason: "lag", forMs: 1_000 });
    expect(worker.state).toBe("offline");
  });

  test("a freeze that nobody thaws ends by itself", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "freeze", reason: "lag", forMs: 3_600_000 }).silence(60_000 + 7 * T);
    expect(worker.state).toBe("offline");
  });

  test("a ping without responders is withheld and counted; facts are not", () => {
    const worker = new TestWorker().proven().send({ type: "freeze", reason: "reconnect" });
    worker.send({ type: "unreachable" });
    expect(worker.state).toBe("healthy");
    expect(worker.facts.withheldVerdicts).toBe(1);
    worker.send({ type: "exit", code: 137 });
    expect(worker.state).toBe("offline");
  });

  test("the proof and the quarantine wait", () => {
    const unproven = new TestWorker().send({ type: "freeze", reason: "lag", forMs: 60_000 });
    expect(unproven.silence(59_000).state).toBe("registering");
    expect(unproven.silence(11 * T + 1_000).state).toBe("offline");

    const critical = new TestWorker().proven().beats(1, { status: "critical" });
    critical.pass(50_000).send({ type: "freeze", reason: "lag", forMs: 30_000 });
    critical.beat({ status: "critical" }).pass(29_000);
    expect(critical.state).toBe("critical");
    critical.beat({ status: "critical" }).pass(T + 1_000);
    expect(critical.state).toBe("draining");

    const almost = new TestWorker().proven().beats(1, { status: "critical" });
    almost.beats(29, { status: "critical" }).pass(1_000);
    almost.send({ type: "freeze", reason: "lag", forMs: 10_000 }).beats(5, { status: "critical" });
    expect(almost.state).toBe("critical");
    expect(almost.beats(1, { status: "critical" }).state).toBe("draining");
  });

  test("the gap that the doubt made costs no points", () => {
    const worker = new TestWorker().proven().send({ type: "freeze", reason: "lag", forMs: 9_000 });
    worker.pass(10_000).beat();
    expect(worker.facts.verdict.score).toBe(0);
    worker.pass(2 * T).beat();
    expect(worker.facts.verdict.reasons).toMatchObject([{ signal: "late-beat", points: 1 }]);
  });
});

describe("found in the registry after a restart of the orchestrator", () => {
  test.each(["healthy", "degraded", "critical", "draining"] as const)(
    "a %s worker goes on where it was, in silence",
    (state) => {
      const worker = new TestWorker({ recovered: { state, reasons: ["as before"] } });
      expect(worker.state.split(".")[0]).toBe(state);
      expect(worker.reasons).toBe("as before");
      expect(worker.did.filter((line) => line.startsWith("announce"))).toEqual([]);
    },
  );

  test("one that was registering registers again", () => {
    const worker = new TestWorker({ recovered: { state: "registering" } });
    expect(worker.state).toBe("registering");
  });

  test.each(["healthy", "degraded", "critical", "draining"] as const)(
    "timers are armed anew: a dead %s worker is offline after the full grace",
    (state) => {
      const worker = new TestWorker({ recovered: { state } });
      worker.silence(6 * T - 1);
      expect(worker.state).not.toBe("offline");
      worker.silence(1);
      expect(worker.state).toBe("offline");
    },
  );

  test("its sequence goes on from wherever it is", () => {
    const worker = new TestWorker({ recovered: { state: "healthy" } });
    worker.beat({ seq: 10_000, status: "degraded" });
    expect(worker.state).toBe("degraded.limited");
  });

  test("a draining one is told again and keeps the rest of its grace", () => {
    const worker = new TestWorker({
      recovered: { state: "draining", reasons: ["scale-down"], drainDeadlineMs: 4_000 },
    });
    expect(worker.did).toEqual(["sendDrain scale-down"]);
    worker.beats(1, { inFlight: 1 }).pass(T);
    expect(worker.ref.snapshot().output).toMatchObject({ reason: "grace-over" });
  });

  test("a critical one has 60 s to improve", () => {
    const worker = new TestWorker({ recovered: { state: "critical" } });
    worker.beats(29, { status: "critical" });
    expect(worker.state).toBe("critical");
    expect(worker.beats(1, { status: "critical" }).state).toBe("draining");
  });
});
