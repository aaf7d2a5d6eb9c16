import { type AmqpResult, type AmqpTask, errorOf, taskIdOf } from "../../messages/amqp-worker.ts";
import type { FlowEngine, FlowRun, Prepared, PreparedFlow, RunOutcome } from "../flow-engine.ts";

export interface AmqpEngineOptions {
  readonly workerId: string;
  readonly nodeTypes: readonly string[];
  /** Gives the worker a task: whether its queue took it. */
  readonly assign: (task: AmqpTask) => Promise<"confirmed" | "returned">;
  /** The worker has no queue any more: it can be given nothing. */
  readonly unreachable: () => void;
}

interface AmqpFlow {
  readonly flowData: { readonly nodes?: readonly { readonly type?: unknown }[] };
}

const CANCELLED = { code: "CANCELLED", message: "cancelled", retryable: false };

/** Has a worker that speaks AMQP run whole flows: it is given one, and reports what came of it. */
export class AmqpEngine implements FlowEngine {
  readonly nodeTypes: readonly string[];
  readonly #options: AmqpEngineOptions;
  readonly #running = new Map<string, (outcome: RunOutcome) => void>();

  constructor(options: AmqpEngineOptions) {
    this.#options = options;
    this.nodeTypes = options.nodeTypes;
  }

  /** How many tasks its worker has yet to report. */
  get running(): number {
    return this.#running.size;
  }

  prepare(flowData: unknown): Prepared {
    const flow = { flowData } as AmqpFlow;
    const types = (flow.flowData?.nodes ?? []).map(({ type }) => String(type));
    const missing = types.filter((type) => !this.nodeTypes.includes(type));
    if (missing.length > 0) return { type: "unsupported", nodeTypes: missing };
    // Nobody here knows which effects its nodes have.
    return { type: "ready", flow, mayBlock: true, pure: false };
  }

  run(flow: PreparedFlow, run: FlowRun): Promise<RunOutcome> {
    const { executionId, attempt, flowId, lane, maxAttempts, deadline, inputs, abort } = run;
    const taskId = taskIdOf(executionId, attempt);
    const { workerId: assignedTo, assign, unreachable } = this.#options;
    const { flowData } = flow as AmqpFlow;
    const task = {
      taskId,
      flowId,
      executionId,
      priority: lane,
      attempt,
      maxAttempts,
      deadline,
      flowData,
      inputs,
      assignedTo,
    };
    return new Promise((resolve) => {
      const settle = (outcome: RunOutcome) => {
        if (this.#running.delete(taskId)) resolve(outcome);
      };
      this.#running.set(taskId, settle);
      // The contract has no word to stop a worker: what it reports later is dropped.
      abort.signal.addEventListener("abort", () =>
        settle({ status: "cancelled", error: CANCELLED }),
      );
      assign(task).then(
        (taken) => {
          if (taken !== "returned") return;
          unreachable();
          settle({ status: "returned", reason: "the queue of the worker is gone" });
        },
        // The bridge stops, and with it this worker: others run it.
        () => {},
      );
    });
  }

  /** What the worker says came of a task; false for one that it is not running, or not any more. */
  report(result: AmqpResult): boolean {
    const settle = this.#running.get(result.taskId);
    if (settle === undefined || taskIdOf(result.executionId, result.attempt) !== result.taskId)
      return false;
    if (result.status === "completed")
      settle({ status: "completed", output: result.output ?? null });
    else if (result.status === "cancelled") settle({ status: "cancelled", error: CANCELLED });
    else settle({ status: "failed", error: errorOf(result) });
    return true;
  }
}
