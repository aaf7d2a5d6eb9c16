import { expect, test, vi } from "vitest";
import type { AmqpTask } from "../../src/messages/amqp-worker.ts";
import { AmqpEngine } from "../../src/processes/bridge/amqp-engine.ts";
import type { FlowRun, PreparedFlow } from "../../src/processes/flow-engine.ts";
import { LazyAbort } from "../../src/processes/lazy-abort.ts";
import { PauseSwitch } from "../../src/processes/pause-switch.ts";

const FLOW_DATA = { name: "f", nodes: [{ id: "a", type: "noop" }], connections: [] };

function setUp(taken: "confirmed" | "returned" = "confirmed") {
  const tasks: AmqpTask[] = [];
  const unreachable = vi.fn();
  const engine = new AmqpEngine({
    workerId: "old-1",
    nodeTypes: ["noop", "log"],
    assign: async (task) => {
      tasks.push(task);
      return taken;
    },
    unreachable,
  });
  const abort = new LazyAbort();
  const run = (attempt = 1) => {
    const prepared = engine.prepare(FLOW_DATA);
    if (prepared.type !== "ready") throw new Error(prepared.type);
    const flowRun: FlowRun = {
      executionId: "e-1",
      flowId: "f",
      lane: "high",
      attempt,
      inputs: { n: 1 },
      maxAttempts: 3,
      deadline: "2027-01-01T00:00:00.000Z",
      abort,
      pause: new PauseSwitch(),
      isUncertain: false,
      onEvent: () => {},
    };
    return engine.run(prepared.flow as PreparedFlow, flowRun);
  };
  return { engine, tasks, abort, run, unreachable };
}

const REPORT = { taskId: "e-1.1", executionId: "e-1", workerId: "old-1", attempt: 1 } as const;

test("a flow is handed over whole, and ends as its worker says", async () => {
  const { engine, tasks, run } = setUp();
  const ended = run();
  expect(tasks).toEqual([
    {
      taskId: "e-1.1",
      executionId: "e-1",
      flowId: "f",
      priority: "high",
      attempt: 1,
      maxAttempts: 3,
      deadline: "2027-01-01T00:00:00.000Z",
      flowData: FLOW_DATA,
      inputs: { n: 1 },
      assignedTo: "old-1",
    },
  ]);
  expect(engine.report({ ...REPORT, status: "completed", output: 7 })).toBe(true);
  expect(await ended).toEqual({ status: "completed", output: 7 });
  expect(engine.report({ ...REPORT, status: "completed", output: 8 })).toBe(false);
});

test.each([
  [
    { status: "failed", error: { code: "X", message: "m", retryable: false } },
    { code: "X", message: "m", retryable: false },
  ],
  [{ status: "failed" }, { code: "FAILED", retryable: true }],
  [{ status: "rejected" }, { code: "REJECTED", retryable: true }],
] as const)("%j is a failure", async (report, error) => {
  const { engine, run } = setUp();
  const ended = run();
  engine.report({ ...REPORT, ...report });
  expect(await ended).toMatchObject({ status: "failed", error });
});

test("what it says of another attempt, or of what it never had, is not believed", () => {
  const { engine, run } = setUp();
  void run(2);
  expect(engine.report({ ...REPORT, status: "completed" })).toBe(false);
  expect(engine.report({ ...REPORT, taskId: "e-1.2", status: "completed" })).toBe(false);
  expect(
    engine.report({ ...REPORT, executionId: "e-2", taskId: "e-2.1", status: "completed" }),
  ).toBe(false);
});

test("one that is cancelled ends at once, whatever its worker says later", async () => {
  const { engine, abort, run } = setUp();
  const ended = run();
  abort.abort(new Error("asked for"));
  expect(await ended).toMatchObject({ status: "cancelled" });
  expect(engine.report({ ...REPORT, status: "completed" })).toBe(false);
});

test("a worker whose queue is gone has not begun it, and can be given nothing", async () => {
  const { run, unreachable } = setUp("returned");
  expect(await run()).toMatchObject({ status: "returned" });
  expect(unreachable).toHaveBeenCalledOnce();
});

test("a flow with a node type that the worker does not have is not for it", () => {
  const { engine } = setUp();
  const other = {
    ...FLOW_DATA,
    nodes: [
      { id: "a", type: "noop" },
      { id: "b", type: "sql" },
    ],
  };
  expect(engine.prepare(other)).toEqual({ type: "unsupported", nodeTypes: ["sql"] });
  expect(engine.prepare(undefined)).toMatchObject({ type: "ready" });
});
