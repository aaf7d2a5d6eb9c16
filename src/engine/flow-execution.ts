import type { ErrorInfo } from "../domain/errors.ts";
import {
  createFlowState,
  type FlowCommand,
  type FlowEvent,
  type FlowState,
} from "../domain/flow-state.ts";
import { step } from "../domain/flow-step.ts";
import type { AttemptResult } from "./attempt-result.ts";
import { AttemptRunner } from "./attempt-runner.ts";
import { flowOutput } from "./flow-output.ts";
import { tellNodeEvent } from "./node-teller.ts";
import type { FlowPlan } from "./plan.ts";
import { PlanRules } from "./plan-rules.ts";
import { RunScope } from "./run-scope.ts";
import { DEFAULT_MAX_OUTPUT_BYTES, type FlowOutcome, type FlowRun } from "./run-types.ts";
import { permanentError, safeErrorInfo } from "./safe-error.ts";
import { TimeLimit } from "./time-limit.ts";

/** One execution under way: does what `step` commands and reports back what came of it. */
export class FlowExecution {
  readonly #plan: FlowPlan;
  readonly #run: FlowRun;
  readonly #state: FlowState;
  readonly #scope: RunScope;
  readonly #rules: PlanRules;
  readonly #runner: AttemptRunner;
  readonly #maxOutputBytes: number;
  readonly #queue: FlowCommand[] = [];
  #isDraining = false;
  #timeLimit: TimeLimit | undefined;
  /** Made when first needed: most executions retry nothing. */
  #retryTimers: Map<number, unknown> | undefined;
  #outcome: FlowOutcome | undefined;
  #resolve: ((outcome: FlowOutcome) => void) | undefined;

  constructor(plan: FlowPlan, run: FlowRun) {
    const { executionId: id, flowId, lane, attempt, maxOutputBytes } = run;
    this.#plan = plan;
    this.#run = run;
    this.#maxOutputBytes = Math.min(
      plan.flow.settings.maxOutputBytes ?? Number.POSITIVE_INFINITY,
      maxOutputBytes ?? DEFAULT_MAX_OUTPUT_BYTES,
    );
    const inputs = run.inputs ?? {};
    this.#state = createFlowState(plan.flow, plan.graph, inputs, run.maxConcurrentNodes);
    this.#scope = new RunScope(this.#state, { id, flowId, lane, attempt });
    this.#rules = new PlanRules(plan, this.#scope);
    this.#runner = new AttemptRunner(plan, run, this.#state, this.#scope, this.#maxOutputBytes);
  }

  /** The outcome, or a promise of it where a node answers later. Called once. */
  start(): FlowOutcome | Promise<FlowOutcome> {
    if (this.#run.isAborted?.() ?? this.#run.signal.aborted) {
      return { status: "cancelled", reason: reasonOf(this.#run.signal), nodesRun: 0 };
    }
    const refused = this.#checkInputs();
    if (refused !== undefined) return { status: "failed", error: refused, nodesRun: 0 };
    if (this.#run.pause?.paused) this.#post({ type: "pause" });
    this.#post({ type: "start" });
    if (this.#outcome !== undefined) return this.#outcome;
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#watchFromOutside();
    });
  }

  #checkInputs(): ErrorInfo | undefined {
    try {
      this.#plan.inputs?.(this.#state.inputs);
      return undefined;
    } catch (thrown) {
      return safeErrorInfo(thrown);
    }
  }

  /** Cancel, pause and the time limit of the flow matter only once something is waited for. */
  #watchFromOutside(): void {
    const { signal, clock, pause } = this.#run;
    const { timeoutMs } = this.#plan.flow.settings;
    signal.addEventListener("abort", this.#cancel, { once: true });
    if (signal.aborted) this.#cancel();
    if (pause !== undefined) pause.onChange = this.#followPause;
    if (timeoutMs === undefined || this.#outcome !== undefined) return;
    const message = `the flow took longer than ${timeoutMs} ms (settings.timeoutMs)`;
    const error = { code: "TIMEOUT", message, retryable: true };
    this.#timeLimit = new TimeLimit(clock, timeoutMs, () => this.#post({ type: "abort", error }));
    if (!pause?.paused) this.#timeLimit.run();
  }

  readonly #followPause = (): void => {
    const isPaused = this.#run.pause?.paused === true;
    if (isPaused) this.#timeLimit?.halt();
    else this.#timeLimit?.run();
    this.#post({ type: isPaused ? "pause" : "resume" });
  };

  readonly #cancel = (): void => {
    this.#post({ type: "cancel", reason: reasonOf(this.#run.signal) });
  };

  /** A loop and not a recursion, since synchronous nodes report while commands are carried out. */
  #post(event: FlowEvent): void {
    this.#queue.push(...step(this.#state, event, this.#rules));
    if (this.#isDraining) return;
    this.#isDraining = true;
    for (let next = 0; next < this.#queue.length; next++) {
      this.#perform(this.#queue[next] as FlowCommand);
    }
    this.#queue.length = 0;
    this.#isDraining = false;
  }

  #perform(command: FlowCommand): void {
    switch (command.type) {
      case "start":
        this.#startNode(command.node, command.attempt);
        break;
      case "retry":
        this.#scheduleRetry(command);
        break;
      case "abort":
        this.#abortNode(command.node);
        break;
      case "skipped":
        this.#tell(command.node, { kind: "skipped" });
        break;
      case "end":
        this.#end(command);
        break;
    }
  }

  #startNode(node: number, attempt: number): void {
    this.#tell(node, { kind: "started" });
    this.#runner.run(node, attempt, (result) => this.#report(node, attempt, result));
  }

  #report(node: number, attempt: number, result: AttemptResult): void {
    if (result.ok) {
      const { port, output } = result;
      this.#tell(node, { kind: "completed", port });
      this.#post({ type: "completed", node, attempt, port, output });
    } else {
      this.#tell(node, { kind: "failed", error: result.error });
      this.#post({ type: "failed", node, attempt, error: result.error });
    }
  }

  #scheduleRetry({ node, delayMs, jitter, error }: FlowCommand & { type: "retry" }): void {
    const { random = Math.random, clock } = this.#run;
    const spreadMs = jitter === "full" ? Math.round(random() * delayMs) : delayMs;
    this.#tell(node, { kind: "retrying", error, delayMs: spreadMs });
    const due = () => {
      this.#retryTimers?.delete(node);
      this.#post({ type: "due", node });
    };
    this.#retryTimers ??= new Map();
    this.#retryTimers.set(node, clock.setTimeout(due, spreadMs));
  }

  #abortNode(node: number): void {
    const timer = this.#retryTimers?.get(node);
    this.#retryTimers?.delete(node);
    if (timer !== undefined) this.#run.clock.clearTimeout(timer);
    this.#runner.stop(node, permanentError("CANCELLED", "the execution is being stopped"));
  }

  #end(command: FlowCommand & { type: "end" }): void {
    this.#timeLimit?.halt();
    if (this.#resolve !== undefined) {
      this.#run.signal.removeEventListener("abort", this.#cancel);
      if (this.#run.pause !== undefined) this.#run.pause.onChange = undefined;
    }
    this.#outcome = this.#outcomeOf(command);
    this.#resolve?.(this.#outcome);
  }

  #outcomeOf(command: FlowCommand & { type: "end" }): FlowOutcome {
    const nodesRun = this.#state.runs;
    switch (command.status) {
      case "completed":
        return this.#completed(nodesRun);
      case "failed":
        return { status: "failed", error: this.#runner.sealEffects(command.error), nodesRun };
      case "cancelled":
        return { status: "cancelled", reason: command.reason, nodesRun };
    }
  }

  #completed(nodesRun: number): FlowOutcome {
    try {
      const output = flowOutput(this.#plan, this.#state, this.#scope, this.#maxOutputBytes);
      return { status: "completed", output, nodesRun, errors: this.#state.passedOver };
    } catch (thrown) {
      return { status: "failed", error: safeErrorInfo(thrown), nodesRun };
    }
  }

  #tell(node: number, fact: Parameters<typeof tellNodeEvent>[3]): void {
    tellNodeEvent(this.#run, this.#state, node, fact);
  }
}

/** The reason of an abort as a text, whatever it was given as. */
function reasonOf(signal: AbortSignal): string {
  const { reason } = signal;
  return typeof reason === "string" ? reason : safeErrorInfo(reason ?? "cancelled").message;
}
