import type { ErrorInfo } from "../../src/domain/errors.ts";
import { type Flow, type FlowNodeSource, normaliseFlow } from "../../src/domain/flow.ts";
import { buildGraph, nodeIndexes } from "../../src/domain/flow-graph.ts";
import {
  createFlowState,
  type FlowCommand,
  type FlowEvent,
  type FlowRules,
  type FlowState,
} from "../../src/domain/flow-state.ts";
import { step } from "../../src/domain/flow-step.ts";

type NodeText = string | (Partial<FlowNodeSource> & { id: string });

/** A flow from node ids (or nodes) and connections written `"a.true -> b"`. */
export function flowOf(
  nodes: readonly NodeText[],
  connections: readonly string[] = [],
  settings: Partial<Flow["settings"]> = {},
): Flow {
  return normaliseFlow({
    name: "test",
    version: 1,
    nodes: nodes.map((node) => ({
      type: "noop",
      ...(typeof node === "string" ? { id: node } : node),
    })),
    connections: connections.map((text) => {
      const [from = "", to = ""] = text.split(" -> ");
      return { from, to };
    }),
    settings,
  });
}

/** Drives `step` by hand, with nodes called by id. */
export class Driver {
  readonly state: FlowState;
  readonly commands: FlowCommand[] = [];
  readonly #flow: Flow;
  readonly #indexes: ReadonlyMap<string, number>;
  readonly #rules: FlowRules;

  constructor(flow: Flow, rules: Partial<FlowRules> = {}, maxParallel = 10) {
    this.#flow = flow;
    this.#indexes = nodeIndexes(flow);
    this.state = createFlowState(flow, buildGraph(flow), { from: "inputs" }, maxParallel);
    this.#rules = { nodeWhen: () => true, edgeWhen: () => true, toError: conditionError, ...rules };
  }

  start(): FlowCommand[] {
    return this.#step({ type: "start" });
  }

  complete(id: string, output: unknown = id, port = "out"): FlowCommand[] {
    const node = this.#index(id);
    const attempt = this.state.attempts[node] ?? 0;
    return this.#step({ type: "completed", node, attempt, port, output });
  }

  fail(id: string, error: Partial<ErrorInfo> = {}): FlowCommand[] {
    const node = this.#index(id);
    const attempt = this.state.attempts[node] ?? 0;
    return this.#step({ type: "failed", node, attempt, error: errorInfo(error) });
  }

  due(id: string): FlowCommand[] {
    return this.#step({ type: "due", node: this.#index(id) });
  }

  send(event: FlowEvent): FlowCommand[] {
    return this.#step(event);
  }

  status(id: string): string | undefined {
    return this.state.nodes[this.#index(id)];
  }

  /** Ids of the nodes that run now. */
  get running(): string[] {
    return this.#flow.nodes.filter((_, i) => this.state.nodes[i] === "running").map((n) => n.id);
  }

  #index(id: string): number {
    return this.#indexes.get(id) ?? -1;
  }

  #step(event: FlowEvent): FlowCommand[] {
    const commands = step(this.state, event, this.#rules);
    this.commands.push(...commands);
    return commands;
  }
}

export function errorInfo(error: Partial<ErrorInfo> = {}): ErrorInfo {
  return { code: "BOOM", message: "it broke", retryable: true, ...error };
}

function conditionError(thrown: unknown): ErrorInfo {
  return errorInfo({ code: "EXPRESSION", message: String(thrown), retryable: false });
}

export function started(commands: readonly FlowCommand[], flow: Flow): string[] {
  return commands.flatMap((command) =>
    command.type === "start" ? [flow.nodes[command.node]?.id ?? ""] : [],
  );
}
