import type { Problem } from "../domain/errors.ts";
import type { Flow } from "../domain/flow.ts";
import { settledBefore } from "../domain/flow-ancestors.ts";
import { type FlowGraph, nodeIndexes } from "../domain/flow-graph.ts";
import { compileExpression, type Expression } from "./expressions/expression.ts";
import type { ExpressionIssue } from "./expressions/inspect.ts";
import type { ScopeKind } from "./expressions/scope.ts";
import type { ExpressionCompiler } from "./expressions/template.ts";

/**
 * Where an expression stands, which decides what it may read: a node reads what is settled before
 * it runs, a connection also its source, the output of the flow everything.
 */
type ExpressionPlace =
  | { readonly type: "node"; readonly node: number }
  | { readonly type: "edge"; readonly source: number }
  | { readonly type: "output" };

/** What one compilation gathers. */
export interface CompileContext {
  readonly flow: Flow;
  readonly graph: FlowGraph;
  readonly problems: Problem[];
  /** Compiles the expressions of one place; `reads` fills with the nodes that they read. */
  expressionsAt(
    place: ExpressionPlace,
  ): ExpressionCompiler & { readonly reads: Map<string, number> };
}

export function compileContext(flow: Flow, graph: FlowGraph): CompileContext {
  const problems: Problem[] = [];
  const indexes = nodeIndexes(flow);
  const isSettled = settledBefore(flow, graph);
  const mayRead = (place: ExpressionPlace, node: number): boolean => {
    if (place.type === "output" || graph.order.length < flow.nodes.length) return true;
    if (place.type === "node") return isSettled(node, place.node);
    return node === place.source || isSettled(node, place.source);
  };
  return {
    flow,
    graph,
    problems,
    expressionsAt: (place) => placedCompiler(place, problems, indexes, mayRead),
  };
}

function placedCompiler(
  place: ExpressionPlace,
  problems: Problem[],
  indexes: ReadonlyMap<string, number>,
  mayRead: (place: ExpressionPlace, node: number) => boolean,
) {
  const reads = new Map<string, number>();
  const report = (issue: ExpressionIssue, pointer: string) => {
    problems.push({ ...issue, pointer });
  };
  const compile = (source: string, pointer: string, kind: ScopeKind): Expression | undefined => {
    const result = compileExpression(source, kind);
    if (!result.ok) {
      for (const issue of result.issues) report(issue, pointer);
      return undefined;
    }
    for (const id of result.expression.nodeIds) {
      const node = indexes.get(id);
      if (node === undefined) report(noSuchNode(id), pointer);
      else if (!mayRead(place, node)) report(notSettled(id), pointer);
      else reads.set(id, node);
    }
    return result.expression;
  };
  return { reads, report, compile };
}

function noSuchNode(id: string): ExpressionIssue {
  return { code: "E_EXPR_REF", detail: `there is no node "${id}"` };
}

function notSettled(id: string): ExpressionIssue {
  return {
    code: "E_EXPR_REF",
    detail: `node "${id}" may not have run yet when this is worked out`,
    hint: `connect "${id}" so that it comes before`,
  };
}
