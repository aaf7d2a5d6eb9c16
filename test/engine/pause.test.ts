import { expect, test } from "vitest";
import { flowData, HandClock, nodeOf, runNow, settled } from "./fixtures.ts";

/** As a worker holds it. */
function pauseSignal(paused = false) {
  const signal = { paused, onChange: undefined as (() => void) | undefined };
  const set = (next: boolean) => {
    signal.paused = next;
    signal.onChange?.();
  };
  return { signal, pause: () => set(true), resume: () => set(false) };
}

const delay = (id: string, delayMs: number) => ({ id, type: "delay", config: { delayMs } });
const CHAIN = flowData([delay("a", 100), delay("b", 100), delay("c", 100)], ["a -> b", "b -> c"]);

function starts() {
  const started: string[] = [];
  const onNodeEvent = ({ kind, nodeId }: { kind: string; nodeId: string }) => {
    if (kind === "started") started.push(nodeId);
  };
  return { started, onNodeEvent };
}

test("what runs when a flow is paused ends, the next node waits for the resume, and none runs twice", async () => {
  const clock = new HandClock();
  const { signal, pause, resume } = pauseSignal();
  const { started, onNodeEvent } = starts();
  const outcome = runNow(CHAIN, { clock, pause: signal, onNodeEvent });
  pause();
  await clock.advance(10_000);
  expect(started).toEqual(["a"]);
  resume();
  expect(started).toEqual(["a", "b"]);
  pause();
  resume();
  await clock.advance(200);
  expect(await outcome).toMatchObject({ status: "completed", nodesRun: 3 });
  expect(started).toEqual(["a", "b", "c"]);
  expect(signal.onChange).toBeUndefined();
});

test("a flow that is paused before it begins starts nothing", async () => {
  const { signal, resume } = pauseSignal(true);
  const { started, onNodeEvent } = starts();
  const outcome = runNow(flowData([{ id: "a", type: "noop" }]), { pause: signal, onNodeEvent });
  await settled();
  expect(started).toEqual([]);
  resume();
  expect(await outcome).toMatchObject({ status: "completed" });
});

test("a flow whose last node was running when it was paused completes", async () => {
  const clock = new HandClock();
  const { signal, pause } = pauseSignal();
  const outcome = runNow(flowData([delay("a", 100)]), { clock, pause: signal });
  pause();
  await clock.advance(100);
  expect(await outcome).toMatchObject({ status: "completed" });
});

test("a paused flow is cancelled at once", async () => {
  const clock = new HandClock();
  const abort = new AbortController();
  const { signal, pause } = pauseSignal();
  const outcome = runNow(CHAIN, { clock, pause: signal, signal: abort.signal });
  pause();
  await clock.advance(1_000);
  abort.abort(new Error("enough"));
  expect(await outcome).toEqual({ status: "cancelled", reason: "enough", nodesRun: 1 });
  expect(clock.pending).toBe(0);
});

test("the time limit of a flow stands still while it is paused", async () => {
  const clock = new HandClock();
  const { signal, pause, resume } = pauseSignal();
  const data = { ...CHAIN, settings: { timeoutMs: 250 } };
  const outcome = runNow(data, { clock, pause: signal });
  await clock.advance(50);
  pause();
  await clock.advance(3_600_000);
  resume();
  let ended = false;
  void Promise.resolve(outcome).then(() => {
    ended = true;
  });
  await clock.advance(199);
  expect(ended).toBe(false);
  await clock.advance(1);
  expect(await outcome).toMatchObject({ status: "failed", error: { code: "TIMEOUT" } });
  expect(clock.pending).toBe(0);
});

test("the time limit of a node runs on, and its failure fails the paused flow", async () => {
  const clock = new HandClock();
  const { signal, pause } = pauseSignal();
  const nodes = [{ ...delay("a", 1_000), timeoutMs: 100 }, delay("b", 1)];
  const outcome = runNow(flowData(nodes, ["a -> b"]), { clock, pause: signal });
  pause();
  await clock.advance(100);
  expect(await outcome).toMatchObject({ status: "failed", error: { code: "TIMEOUT" } });
});

test("a node that waits for another attempt is not tried while the flow is paused", async () => {
  const clock = new HandClock();
  const { signal, pause, resume } = pauseSignal();
  let tries = 0;
  const flaky = nodeOf("flaky", async () => {
    tries += 1;
    if (tries === 1) throw Object.assign(new Error("not yet"), { retryable: true });
    return tries;
  });
  const retry = { maxAttempts: 3, initialMs: 100 };
  const outcome = runNow(flowData([{ id: "a", type: "flaky", retry }]), { clock, pause: signal }, [
    flaky,
  ]);
  await settled();
  pause();
  await clock.advance(10_000);
  expect(tries).toBe(1);
  resume();
  expect(await outcome).toMatchObject({ status: "completed", output: 2 });
});
