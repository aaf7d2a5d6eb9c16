import type { Problem } from "../domain/errors.ts";
import { coreNodeTypes, type NodeCatalog } from "../engine/node-types.ts";
import type { FlowPlan } from "../engine/plan.ts";
import { planCache } from "../engine/plan-cache.ts";
import { type FlowClock, type FlowOutcome, type NodeEvent, runFlow } from "../engine/run-flow.ts";
import { type ExecuteMessage, executeMessage } from "../messages/execute.ts";
import { summary } from "./accept.ts";
import type { FlowNeeds } from "./dispatcher-options.ts";
import type { FlowEngine, FlowRun, RunOutcome } from "./flow-engine.ts";
import type { ProcessLog } from "./process-log.ts";

/** Flows that are kept compiled; most fleets run far fewer distinct ones. */
const PLANS = 1_000;

export interface EngineOptions {
  readonly catalog: NodeCatalog;
  /** Nodes of one execution that run side by side, at the most. */
  readonly maxConcurrentNodes: number;
  readonly log: ProcessLog;
}

/** The engine as a worker uses it. */
export function coreEngine({ catalog, maxConcurrentNodes, log }: EngineOptions): FlowEngine {
  const plans = planCache(catalog, PLANS, { unknownTypes: "keep" });
  return {
    nodeTypes: catalog.names,
    prepare(flowData) {
      const compiled = plans.compile(flowData);
      if (!compiled.ok) {
        const error = { code: "INVALID", message: summary(compiled.problems), retryable: false };
        return { type: "invalid", error };
      }
      const { unknownTypes } = compiled.plan;
      if (unknownTypes.length > 0) return { type: "unsupported", nodeTypes: unknownTypes };
      const mayBlock = compiled.plan.requiredNodeTypes.some((type) => !coreNodeTypes.has(type));
      return { type: "ready", flow: compiled.plan, mayBlock, pure: compiled.plan.pure };
    },
    run(flow, run) {
      const { abort, pause, onEvent } = run;
      const outcome = runFlow(flow as FlowPlan, {
        executionId: run.executionId,
        flowId: run.flowId,
        lane: run.lane,
        attempt: run.attempt,
        inputs: run.inputs,
        isUncertain: run.isUncertain,
        get signal() {
          return abort.signal;
        },
        isAborted: () => abort.aborted,
        pause,
        maxConcurrentNodes,
        clock: SYSTEM_CLOCK,
        log,
        onNodeEvent: (event) => tell(event, onEvent),
      });
      return outcome instanceof Promise ? outcome.then(toRunOutcome) : toRunOutcome(outcome);
    },
  };
}

const SYSTEM_CLOCK: FlowClock = {
  now: () => Date.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

/** Starts are left out: of most nodes the end follows in the same tick, and it tells the same. */
function tell(event: NodeEvent, onEvent: FlowRun["onEvent"]): void {
  const { nodeId, attempt, type } = event;
  if (event.kind === "progress") onEvent("progress", { nodeId, progress: event.progress });
  else if (event.kind !== "started") {
    const detail = "error" in event ? { error: event.error } : {};
    onEvent("node", { nodeId, type, status: event.kind, nodeAttempt: attempt, ...detail });
  }
}

function toRunOutcome(outcome: FlowOutcome): RunOutcome {
  if (outcome.status !== "cancelled") return outcome;
  const error = { code: "CANCELLED", message: outcome.reason, retryable: false };
  return { status: "cancelled", error };
}

/**
 * Compiles schemas and expressions once before the first flow needs them: that takes hundreds of
 * milliseconds, which the first publisher would otherwise wait.
 */
export function warmUp(compile: (body: ExecuteMessage) => unknown): void {
  const nodes = [
    { id: "a", type: "set", config: { value: "{{ inputs.warm }}" } },
    { id: "b", type: "if", config: { condition: "input == 1" } },
  ];
  const connections = [{ from: "a", to: "b" }];
  const body = { flowId: "warm-up", flowData: { name: "warm-up", version: 1, nodes, connections } };
  executeMessage.problems(body);
  compile(body);
}

export interface NeedsOptions {
  readonly catalog: NodeCatalog;
  readonly unknownTypes: "wait" | "reject";
  /** Whether a live worker has the type: workers bring types of their own. */
  readonly isSupported: (type: string) => boolean;
}

/**
 * What the orchestrator must know of a flow before it places it: which types it takes and whether it
 * may be run twice; and all that is wrong with it, pointing into the message.
 */
export function flowNeeds(options: NeedsOptions): (body: ExecuteMessage) => FlowNeeds {
  const plans = planCache(options.catalog, PLANS, { unknownTypes: "keep" });
  return (body) => {
    const compiled = plans.compile(body.flowData);
    if (!compiled.ok) return { nodeTypes: [], pure: false, problems: inMessage(compiled.problems) };
    const { requiredNodeTypes, unknownTypes, pure, flow } = compiled.plan;
    const strangers =
      options.unknownTypes === "reject"
        ? unknownTypes.filter((type) => !options.isSupported(type))
        : [];
    const problems = strangers.map((type): Problem => {
      const index = flow.nodes.findIndex((node) => node.type === type);
      const detail = `no worker has a node type "${type}"`;
      return { code: "E_UNKNOWN_TYPE", pointer: `/flowData/nodes/${index}/type`, detail };
    });
    return { nodeTypes: requiredNodeTypes, pure, problems };
  };
}

function inMessage(problems: readonly Problem[]): Problem[] {
  return problems.map((problem) => ({ ...problem, pointer: `/flowData${problem.pointer}` }));
}
