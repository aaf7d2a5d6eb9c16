import { expect, test } from "vitest";
import type { FlowEvent } from "../../src/messages/flow-event.ts";
import type { WorkerStateEvent } from "../../src/messages/worker.ts";
import { MoveWatch } from "./moves.ts";

function started(executionId: string, workerId: string): FlowEvent {
  return { executionId, kind: "started", workerId } as unknown as FlowEvent;
}

function offline(workerId: string): WorkerStateEvent {
  return { workerId, to: "offline" } as WorkerStateEvent;
}

/** w1 holds a task and is cut off. */
function cutOff(): MoveWatch {
  const watch = new MoveWatch();
  watch.event(started("a", "w1"));
  watch.hurt("cut-worker", "w1");
  return watch;
}

function seen(watch: MoveWatch) {
  const { detectionMs, takenElsewhereMs } = watch.movesOf("cut-worker");
  return [detectionMs.length, takenElsewhereMs.length];
}

test("a worker that is given up counts, and its task that starts elsewhere", () => {
  const watch = cutOff();
  watch.state(offline("w1"));
  watch.healed("w1");
  watch.event(started("a", "w2"));
  expect(seen(watch)).toEqual([1, 1]);
});

test("after a fault that nobody had to notice nothing counts", () => {
  const watch = cutOff();
  watch.healed("w1");
  watch.state(offline("w1"));
  watch.event(started("a", "w2"));
  expect(seen(watch)).toEqual([0, 0]);
});

test("what a worker had said before it was cut off, and is heard late, is no move", () => {
  const watch = cutOff();
  watch.event(started("a", "w1"));
  watch.event(started("a", "w2"));
  expect(seen(watch)).toEqual([0, 1]);
});

test("of each execution under way when an orchestrator is killed the next sign counts, and of no other", () => {
  const watch = new MoveWatch();
  const ended = { executionId: "b", kind: "completed" } as unknown as FlowEvent;
  watch.event(started("a", "w1"));
  watch.event(started("b", "w1"));
  watch.event(ended);
  watch.orphaned("kill-orchestrator");
  watch.event({ ...ended, executionId: "a" });
  watch.event(started("later", "w1"));
  expect(watch.waitsAfter("kill-orchestrator").length).toBe(1);
});

test("an orchestrator that is killed amid other trouble says nothing about how long it takes", () => {
  const watch = new MoveWatch();
  watch.event(started("a", "w1"));
  watch.disturbed();
  watch.orphaned("kill-orchestrator");
  watch.event(started("a", "w2"));
  expect(watch.waitsAfter("kill-orchestrator")).toEqual([]);
});

test("a worker that is hurt before it has proven itself says nothing about how long that is noticed", () => {
  const registering = { workerId: "w1", to: "registering" } as WorkerStateEvent;
  const watch = new MoveWatch();
  watch.state(registering);
  watch.hurt("cut-worker", "w1");
  watch.state(offline("w1"));
  expect(seen(watch)).toEqual([0, 0]);
  watch.state(registering);
  watch.state({ workerId: "w1", to: "healthy" } as WorkerStateEvent);
  watch.hurt("cut-worker", "w1");
  watch.state(offline("w1"));
  expect(seen(watch)).toEqual([1, 0]);
});
