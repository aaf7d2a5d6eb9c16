import type { Problem } from "../domain/errors.ts";
import type { Flow, FlowNode } from "../domain/flow.ts";
import type { FlowGraph } from "../domain/flow-graph.ts";
import type { ConfigPlan } from "./compile-config.ts";
import type { EffectClass, NodeType } from "./define-node.ts";
import type { Expression } from "./expressions/expression.ts";
import type { Template } from "./expressions/template.ts";
import type { InputCheck } from "./flow-inputs.ts";

/** One node, compiled. */
export interface PlanNode {
  readonly node: FlowNode;
  /** Undefined where only the name of the type is known: such a plan cannot be run. */
  readonly type: NodeType | undefined;
  readonly effects: EffectClass;
  readonly ports: readonly string[];
  readonly config: ConfigPlan;
  /** Indexes of the nodes that the expressions of `config` read, by id. */
  readonly reads: ReadonlyMap<string, number>;
  readonly timeoutMs: number | undefined;
  readonly when: Condition | undefined;
}

/** The `when` of a node or a connection. */
export interface Condition {
  readonly expression: Expression;
  readonly reads: ReadonlyMap<string, number>;
}

/** A checked and compiled flow; immutable, so that any number of executions share it. */
export interface FlowPlan {
  readonly flow: Flow;
  readonly graph: FlowGraph;
  readonly nodes: readonly PlanNode[];
  /** By place in `flow.connections`. */
  readonly conditions: readonly (Condition | undefined)[];
  readonly output: { readonly template: Template; readonly reads: ReadonlyMap<string, number> };
  /** Nodes without outgoing connections, whose outputs are the result where no template is. */
  readonly sinks: readonly number[];
  readonly inputs: InputCheck | undefined;
  /** Types that a worker must have, sorted; those of disabled nodes are not needed. */
  readonly requiredNodeTypes: readonly string[];
  /** Required types that the catalog does not know; empty unless they were to be kept. */
  readonly unknownTypes: readonly string[];
  /** Whether all nodes have effect class `none`: then it may be run again at any time. */
  readonly pure: boolean;
  /** Problems with a `W_` code. */
  readonly warnings: readonly Problem[];
}

export type CompileResult =
  | { readonly ok: true; readonly plan: FlowPlan }
  | { readonly ok: false; readonly problems: readonly Problem[] };
