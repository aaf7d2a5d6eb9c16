import { describe, expect, test } from "vitest";
import type { WorkerEvent } from "../../actors/index.ts";
import { T, TestWorker } from "./support.ts";

const QUARANTINE = { forMs: 30_000, reason: "quarantined until noon: it died four times" };

describe("a worker that registers while its id is in quarantine", () => {
  test("gets nothing until it is over, and then what a healthy one gets", () => {
    const worker = new TestWorker({ quarantine: QUARANTINE }).proven();
    expect(worker.reasons).toBe(QUARANTINE.reason);
    worker.beats(12);
    expect(worker.standing).toMatchObject({ state: "registering", assignable: false });
    worker.beats(1);
    expect(worker.standing).toMatchObject({ state: "healthy", assignable: true });
  });

  test("has the usual time to prove itself from then on", () => {
    const worker = new TestWorker({ quarantine: QUARANTINE });
    worker.silence(30_000 + 10 * T - 1);
    expect(worker.state).toBe("registering");
    expect(worker.silence(1).state).toBe("offline");
  });

  test("is not let off by a failure of its actor", () => {
    const worker = new TestWorker({ quarantine: QUARANTINE }).proven();
    worker.send({ type: "heartbeat", beat: null } as unknown as WorkerEvent).clock.advance(100);
    worker.proven().beats(9);
    expect(worker.state).toBe("registering");
    expect(worker.reasons).toBe(QUARANTINE.reason);
  });

  test("is offline as soon as nobody listens for it", () => {
    const worker = new TestWorker({ quarantine: QUARANTINE }).send({ type: "unreachable" });
    expect(worker.state).toBe("offline");
  });
});

describe("what counts against a worker", () => {
  test("a death, once", () => {
    const worker = new TestWorker().proven().send({ type: "unreachable" });
    expect(worker.mishaps).toEqual([
      { why: "unreachable: ping had no responders", isGrave: false },
    ]);
  });

  test("staying critical, at once", () => {
    const worker = new TestWorker().proven().beats(31, { status: "critical" });
    expect(worker.state).toBe("draining");
    expect(worker.mishaps).toMatchObject([
      { why: "quarantined: critical for 60.0 s", isGrave: true },
    ]);
  });

  test("losing what it is given, at once", () => {
    const reason = "quarantined: more than 10 tasks vanished there in 60 s";
    const worker = new TestWorker().proven();
    worker.send({ type: "drain", reason, isQuarantine: true });
    worker.send({ type: "drain", reason, isQuarantine: true });
    expect(worker.mishaps).toEqual([{ why: reason, isGrave: true }]);
  });

  test.each<WorkerEvent>([
    { type: "bye" },
    { type: "exit", code: 0 },
    { type: "evict", incarnation: "01C" },
    { type: "drain", reason: "scale-down" },
  ])("not $type", (event) => {
    expect(new TestWorker().proven().send(event).mishaps).toEqual([]);
  });
});
