import { describe, expect, test } from "vitest";
import type { WorkerEvent } from "../../actors/index.ts";
import { T, TestWorker } from "./support.ts";

/** What a peer must never be able to send: the guard fails on it. */
const POISON = { type: "heartbeat", beat: null } as unknown as WorkerEvent;

const STATES: Readonly<Record<string, () => TestWorker>> = {
  registering: () => new TestWorker(),
  healthy: () => new TestWorker().proven(),
  degraded: () => new TestWorker().proven().beats(1, { status: "degraded" }),
  critical: () => new TestWorker().proven().beats(1, { status: "critical" }),
  draining: () => new TestWorker().proven().send({ type: "drain", reason: "test" }),
};

describe("a worker actor that fails", () => {
  test.each(Object.keys(STATES))("while %s goes on there, watched and without a word", (state) => {
    const worker = (STATES[state] as () => TestWorker)();
    worker.did.length = 0;
    worker.send(POISON);
    expect(worker.ref.snapshot().status).toBe("restarting");
    worker.clock.advance(100);
    expect(worker.ref.snapshot().status).toBe("active");
    expect(worker.facts.state).toBe(state);
    if (state !== "registering") {
      expect(worker.did.filter((line) => line.startsWith("announce"))).toEqual([]);
    }
    worker.silence(10 * T);
    expect(worker.state).toBe("offline");
  });

  test("gets no work until it goes on", () => {
    const worker = new TestWorker().proven().send(POISON);
    expect(worker.standing).toMatchObject({ state: "healthy", assignable: false, weight: 0 });
    worker.clock.advance(100);
    expect(worker.standing).toMatchObject({ state: "healthy", assignable: true, weight: 1 });
  });

  test("keeps the rest of its drain's grace", () => {
    const worker = new TestWorker().proven();
    worker.send({ type: "drain", reason: "scale-down", deadlineMs: 10_000 }).pass(6_000);
    worker.send(POISON).clock.advance(100);
    expect(worker.reasons).toBe("scale-down");
    expect(worker.pass(3_899).state).toBe("draining");
    worker.pass(1);
    expect(worker.ref.snapshot().output).toMatchObject({ reason: "grace-over" });
  });

  test("too often is critical for actor-fault, and gets nothing", () => {
    const worker = new TestWorker().proven();
    for (let failure = 1; failure <= 4; failure++) worker.send(POISON).clock.advance(2_000);
    expect(worker.standing).toMatchObject({ state: "critical", assignable: false });
    expect(worker.standing.reasons[0]).toMatch(/^actor-fault: /);
  });
});

test("an effect that throws is reported, and the worker goes on", () => {
  const worker = new TestWorker({
    effects: {
      announce: () => {
        throw new Error("connection closed");
      },
    },
  });
  worker.proven();
  expect(worker.state).toBe("healthy");
  expect(worker.ref.restarts).toBe(0);
  expect(worker.did).toContain("failed announce: Error: connection closed");
});
