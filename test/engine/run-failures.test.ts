import { expect, test } from "vitest";
import { NodeError } from "../../src/domain/errors.ts";
import type { NodeEvent } from "../../src/engine/run-types.ts";
import { flowData, HandClock, memoryLog, nodeOf, outputOf, runNow, settled } from "./fixtures.ts";

const one = (type: string, more: object = {}) => flowData([{ id: "a", type, ...more }]);
const broken = nodeOf("broken", () => {
  throw new NodeError("NO_STOCK", "nothing left", { retryable: false });
});
/** Runs until it is told to stop. */
const endless = nodeOf("endless", ({ sleep }) => sleep(1e9));
/** Does not listen when it is told to stop. */
const deaf = nodeOf("deaf", () => new Promise(() => {}));

test("the error of a node is that of the execution and names the node", () => {
  expect(runNow(one("broken"), {}, [broken])).toEqual({
    status: "failed",
    error: { code: "NO_STOCK", message: "nothing left", retryable: false, nodeId: "a" },
    nodesRun: 1,
  });
});

test("a fail node fails with what its config says", () => {
  const config = { code: "LATE", message: "too late: {{ inputs.day }}", retryable: true };
  expect(runNow(one("fail", { config }), { inputs: { day: "Monday" } })).toMatchObject({
    error: { code: "LATE", message: "too late: Monday", retryable: true },
  });
  expect(runNow(one("fail"))).toMatchObject({ error: { code: "FAILED", retryable: false } });
});

test("after onError continue the error can be read and the flow goes on with null", async () => {
  const data = flowData(
    [
      { id: "a", type: "broken", onError: "continue" },
      {
        id: "b",
        type: "set",
        config: { value: { got: "{{ input }}", code: "{{ nodes.a.error.code }}" } },
      },
    ],
    ["a -> b"],
  );
  expect(await outputOf(data, {}, [broken])).toEqual({ got: null, code: "NO_STOCK" });
});

test("port error delivers the error", async () => {
  const data = flowData(
    [
      { id: "a", type: "broken" },
      { id: "ok", type: "noop" },
      { id: "sorry", type: "set", config: { value: "{{ input.code }} at {{ input.nodeId }}" } },
    ],
    ["a -> ok", "a.error -> sorry"],
  );
  expect(await outputOf(data, {}, [broken])).toEqual({ sorry: "NO_STOCK at a" });
});

test("a flow that continues on errors completes and tells them", () => {
  const data = flowData(
    [
      { id: "a", type: "broken" },
      { id: "b", type: "noop" },
    ],
    [],
    {
      settings: { onError: "continue" },
    },
  );
  expect(runNow(data, {}, [broken])).toMatchObject({
    status: "completed",
    output: { a: null, b: {} },
    errors: [{ code: "NO_STOCK", nodeId: "a" }],
  });
});

test("the first failure stops the nodes that run", async () => {
  const clock = new HandClock();
  const data = flowData([
    { id: "a", type: "endless" },
    { id: "b", type: "delay", config: { delayMs: 5 } },
    { id: "c", type: "broken" },
  ]);
  const outcome = await runNow(data, { clock }, [endless, broken]);
  expect(outcome).toMatchObject({ status: "failed", error: { nodeId: "c" } });
  expect(clock.pending).toBe(0);
});

test("a node that was not begun when another failed is not begun any more", () => {
  const ran: string[] = [];
  const note = nodeOf("note", ({ nodeId }) => ran.push(nodeId));
  const data = flowData([
    { id: "a", type: "broken" },
    { id: "b", type: "note" },
  ]);
  expect(runNow(data, {}, [broken, note])).toMatchObject({ status: "failed" });
  expect(ran).toEqual([]);
});

test("a node that does not answer in time fails and may be tried again", async () => {
  const clock = new HandClock();
  const outcome = runNow(one("endless", { timeoutMs: 500 }), { clock }, [endless]);
  await clock.advance(500);
  expect(await outcome).toMatchObject({
    status: "failed",
    error: { code: "TIMEOUT", retryable: true, nodeId: "a" },
  });
});

test("a node has 60 s unless its type or its author says otherwise", async () => {
  const clock = new HandClock();
  const outcome = runNow(one("endless"), { clock }, [endless]);
  let isOver = false;
  void Promise.resolve(outcome).then(() => {
    isOver = true;
  });
  await clock.advance(59_999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(await outcome).toMatchObject({ error: { code: "TIMEOUT" } });
});

test("a node with unsafe effects that does not answer is uncertain and not tried again", async () => {
  const clock = new HandClock();
  const mail = nodeOf("mail", ({ sleep }) => sleep(1e9), { effects: "unsafe" });
  const outcome = runNow(one("mail", { timeoutMs: 500, retry: { maxAttempts: 5 } }), { clock }, [
    mail,
  ]);
  await clock.advance(500);
  expect(await outcome).toMatchObject({ error: { code: "UNCERTAIN", retryable: false } });
});

test("an unexpected error of a node with unsafe effects is not retryable, of another it is", () => {
  const bug = () => {
    throw new TypeError("x is undefined");
  };
  const unsafe = nodeOf("unsafe", bug, { effects: "unsafe" });
  const safe = nodeOf("safe", bug);
  expect(runNow(one("unsafe"), {}, [unsafe])).toMatchObject({
    error: { code: "INTERNAL", retryable: false },
  });
  expect(runNow(one("safe"), {}, [safe])).toMatchObject({
    error: { code: "INTERNAL", retryable: true },
  });
});

test("a failure after an unsafe effect is final, since another attempt would repeat it", () => {
  const mail = nodeOf("mail", () => "sent", { effects: "unsafe" });
  const flaky = nodeOf("flaky", () => {
    throw new NodeError("BUSY", "try again");
  });
  const data = flowData(
    [
      { id: "send", type: "mail" },
      { id: "b", type: "flaky" },
    ],
    ["send -> b"],
  );
  const outcome = runNow(data, {}, [mail, flaky]);
  expect(outcome).toMatchObject({ error: { code: "BUSY", retryable: false, nodeId: "b" } });
  expect(outcome).toMatchObject({ error: { message: expect.stringContaining('"send"') } });
});

test("when an earlier attempt vanished, unsafe nodes are not run again", () => {
  const mail = nodeOf("mail", () => "sent", { effects: "unsafe" });
  expect(runNow(one("mail"), { isUncertain: true }, [mail])).toMatchObject({
    error: { code: "UNCERTAIN", retryable: false },
  });
  expect(runNow(one("noop"), { isUncertain: true })).toMatchObject({ status: "completed" });
});

test("a node is tried again after its delay, as often as it may", async () => {
  const clock = new HandClock();
  const events: NodeEvent[] = [];
  let calls = 0;
  const flaky = nodeOf("flaky", ({ attempt }) => {
    calls++;
    if (attempt < 3) throw new NodeError("BUSY", "try again");
    return attempt;
  });
  const retry = { maxAttempts: 3, initialMs: 100, factor: 2, jitter: "none" };
  const outcome = runNow(
    one("flaky", { retry }),
    { clock, onNodeEvent: (event) => events.push(event) },
    [flaky],
  );
  await clock.advance(99);
  expect(calls).toBe(1);
  await clock.advance(1);
  expect(calls).toBe(2);
  await clock.advance(200);
  expect(await outcome).toMatchObject({ status: "completed", output: 3, nodesRun: 3 });
  expect(events.flatMap((event) => (event.kind === "retrying" ? [event.delayMs] : []))).toEqual([
    100, 200,
  ]);
});

test("a spread retry waits for a random part of its delay", async () => {
  const clock = new HandClock();
  const flaky = nodeOf("flaky", ({ attempt }) => {
    if (attempt === 1) throw new NodeError("BUSY", "try again");
    return "ok";
  });
  const data = one("flaky", { retry: { maxAttempts: 2, initialMs: 1_000 } });
  const outcome = runNow(data, { clock, random: () => 0.25 }, [flaky]);
  await clock.advance(250);
  expect(await outcome).toMatchObject({ status: "completed" });
});

test("the flow's own time limit stops it", async () => {
  const clock = new HandClock();
  const data = { ...one("endless"), settings: { timeoutMs: 1_000 } };
  const outcome = runNow(data, { clock }, [endless]);
  await clock.advance(1_000);
  expect(await outcome).toMatchObject({
    status: "failed",
    error: { code: "TIMEOUT", retryable: true },
  });
});

test("a cancelled execution stops its nodes and says why", async () => {
  const clock = new HandClock();
  const controller = new AbortController();
  const reasons: unknown[] = [];
  const watch = nodeOf("watch", async ({ signal, sleep }) => {
    signal.addEventListener("abort", () => reasons.push((signal.reason as NodeError).code));
    await sleep(1e9);
  });
  const outcome = runNow(one("watch"), { clock, signal: controller.signal }, [watch]);
  controller.abort("nobody needs it");
  expect(await outcome).toEqual({ status: "cancelled", reason: "nobody needs it", nodesRun: 1 });
  expect(reasons).toEqual(["CANCELLED"]);
  expect(clock.pending).toBe(0);
});

test("an execution cancelled before it starts runs nothing", () => {
  const signal = AbortSignal.abort(new Error("drained"));
  expect(runNow(one("noop"), { signal })).toEqual({
    status: "cancelled",
    reason: "drained",
    nodesRun: 0,
  });
});

test("cancelling while a retry is waited for ends at once", async () => {
  const clock = new HandClock();
  const controller = new AbortController();
  const flaky = nodeOf("flaky", () => {
    throw new NodeError("BUSY", "try again");
  });
  const data = one("flaky", { retry: { maxAttempts: 9 } });
  const outcome = runNow(data, { clock, signal: controller.signal }, [flaky]);
  controller.abort("stop");
  expect(await outcome).toMatchObject({ status: "cancelled" });
  expect(clock.pending).toBe(0);
});

test("a node that does not listen is waited for as long as its grace, and not longer", async () => {
  const clock = new HandClock();
  const controller = new AbortController();
  const run = { clock, signal: controller.signal, abortGraceMs: 3_000 };
  const outcome = runNow(one("deaf"), run, [deaf]);
  controller.abort("stop");
  let isOver = false;
  void Promise.resolve(outcome).then(() => {
    isOver = true;
  });
  await clock.advance(2_999);
  expect(isOver).toBe(false);
  await clock.advance(1);
  expect(await outcome).toMatchObject({ status: "cancelled" });
});

test("a node that answers after its time limit, within its grace, is believed", async () => {
  const clock = new HandClock();
  const late = nodeOf("late", async ({ now }) => {
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, 700);
    });
    return now();
  });
  const outcome = runNow(one("late", { timeoutMs: 500 }), { clock }, [late]);
  await clock.advance(700);
  expect(await outcome).toMatchObject({ status: "completed" });
});

test("what a node makes of being stopped does not hide why it was stopped", async () => {
  const clock = new HandClock();
  const grumpy = nodeOf("grumpy", ({ sleep }) =>
    sleep(1e9).catch(() => {
      throw new Error("AbortError or whatever the driver calls it");
    }),
  );
  const outcome = runNow(one("grumpy", { timeoutMs: 10 }), { clock }, [grumpy]);
  await clock.advance(10);
  expect(await outcome).toMatchObject({ error: { code: "TIMEOUT", retryable: true } });
});

test("an answer that comes long after is ignored", async () => {
  const clock = new HandClock();
  const events: string[] = [];
  const onNodeEvent = (event: NodeEvent) => events.push(event.kind);
  let answer: ((value: unknown) => void) | undefined;
  let refuse: ((error: unknown) => void) | undefined;
  const slow = nodeOf("slow", () => new Promise((resolve) => (answer = resolve)));
  const slower = nodeOf("slower", () => new Promise((_, reject) => (refuse = reject)));
  for (const type of ["slow", "slower"]) {
    const run = { clock, abortGraceMs: 10, onNodeEvent };
    const outcome = runNow(one(type, { timeoutMs: 10 }), run, [slow, slower]);
    await clock.advance(20);
    expect(await outcome).toMatchObject({ error: { code: "TIMEOUT" } });
  }
  answer?.("late");
  refuse?.(new Error("later"));
  await settled();
  expect(events).toEqual(["started", "failed", "started", "failed"]);
});

test("a plan that knows a type by name only fails as unsupported", async () => {
  const { compileFlow } = await import("../../src/engine/compile-flow.ts");
  const { coreNodeTypes, withTypeNames } = await import("../../src/engine/node-types.ts");
  const { runFlow } = await import("../../src/engine/run-flow.ts");
  const { makeRun } = await import("./fixtures.ts");
  const compiled = compileFlow(one("teleport"), withTypeNames(coreNodeTypes, ["teleport"]));
  if (!compiled.ok) throw new Error("not compiled");
  expect(runFlow(compiled.plan, makeRun())).toMatchObject({
    status: "failed",
    error: { code: "UNSUPPORTED", retryable: false, nodeId: "a" },
  });
});

test("a listener that throws is logged and harms nothing", () => {
  const { lines, log } = memoryLog();
  const outcome = runNow(one("noop"), {
    log,
    onNodeEvent: () => {
      throw new Error("listener bug");
    },
  });
  expect(outcome).toMatchObject({ status: "completed" });
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatchObject({ level: "error", message: "onNodeEvent threw" });
});

test("a cancel that comes from a node itself is heard", async () => {
  const controller = new AbortController();
  const clock = new HandClock();
  const quitter = nodeOf("quitter", () => controller.abort("I quit"));
  const data = flowData(
    [
      { id: "a", type: "quitter" },
      { id: "b", type: "endless" },
    ],
    ["a -> b"],
  );
  const outcome = runNow(data, { clock, signal: controller.signal }, [quitter, endless]);
  expect(await outcome).toMatchObject({ status: "cancelled", reason: "I quit" });
  expect(clock.pending).toBe(0);
});
