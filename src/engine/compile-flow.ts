import type { Problem } from "../domain/errors.ts";
import { normaliseFlow } from "../domain/flow.ts";
import { checkGraph } from "../domain/flow-checks.ts";
import { buildGraph, type FlowGraph } from "../domain/flow-graph.ts";
import type { FlowData } from "../messages/flow-data.ts";
import { checkFeatures } from "./check-features.ts";
import { checkPorts } from "./check-ports.ts";
import { checkShape } from "./check-shape.ts";
import { checkWarnings } from "./check-warnings.ts";
import { type CompileContext, compileContext } from "./compile-context.ts";
import { compileCondition, compileNode } from "./compile-node.ts";
import { compileTemplate } from "./expressions/template.ts";
import { compileInputs, type InputCheck } from "./flow-inputs.ts";
import type { NodeCatalog } from "./node-types.ts";
import type { CompileResult, FlowPlan, PlanNode } from "./plan.ts";

export interface CompileOptions {
  /**
   * "problem" (default): a type that the catalog does not know refuses the flow with
   * E_UNKNOWN_TYPE. "keep": it is listed in `plan.unknownTypes`, for whoever waits for a worker.
   */
  readonly unknownTypes?: "problem" | "keep";
}

/**
 * A flow checked and made ready to run, or everything that is wrong with it, as JSON Pointers into
 * `flowData`, up to 200. Takes any value and never throws. Where the wire shape itself is broken,
 * only that is reported. What is written into `flowData` afterwards does not reach the plan.
 */
export function compileFlow(
  flowData: unknown,
  catalog: NodeCatalog,
  options: CompileOptions = {},
): CompileResult {
  try {
    const shape = checkShape(flowData);
    if ("problems" in shape) return refused(shape.problems);
    return compileData(shape.data, catalog, options);
  } catch (thrown) {
    return { ok: false, problems: [problemOf(thrown)] };
  }
}

/** They travel in one dead letter, so they must not be endless. */
const MAX_PROBLEMS = 200;

function refused(problems: readonly Problem[]): CompileResult {
  const more = problems.length - MAX_PROBLEMS;
  if (more <= 0) return { ok: false, problems };
  const detail = `there are ${more} more problems`;
  const shown = problems.slice(0, MAX_PROBLEMS);
  return { ok: false, problems: [...shown, { code: "E_LIMIT", pointer: "", detail }] };
}

/** A RangeError is the end of the stack; anything else comes from the code of a node type. */
function problemOf(thrown: unknown): Problem {
  const message = thrown instanceof Error ? thrown.message : "unknown error";
  if (thrown instanceof RangeError) {
    return { code: "E_LIMIT", pointer: "", detail: `too large or nested too deep: ${message}` };
  }
  return { code: "E_CONFIG", pointer: "", detail: `a node type refused its config: ${message}` };
}

function compileData(data: FlowData, catalog: NodeCatalog, options: CompileOptions): CompileResult {
  const flow = normaliseFlow(data);
  const graph = buildGraph(flow);
  const context = compileContext(flow, graph);
  const nodes = flow.nodes.map((_, index) => compileNode(context, catalog, index));
  const unknown = unknownTypeProblems(nodes, catalog);
  const conditions = compileConditions(context);
  const output = compileOutput(context);
  const inputs = compileInputSchema(context);
  const found = [
    ...checkFeatures(data),
    ...checkGraph(flow, graph),
    ...context.problems,
    ...checkPorts(flow.connections, nodes),
    ...(options.unknownTypes === "keep" ? [] : unknown),
    ...checkWarnings(nodes, graph),
  ];
  const problems = found.filter((problem) => problem.code.startsWith("E_"));
  if (problems.length > 0) return refused(problems);
  const plan = { flow, graph, nodes, conditions, output, inputs, sinks: sinksOf(graph) };
  return { ok: true, plan: { ...plan, ...summary(nodes, catalog), warnings: found } };
}

function summary(nodes: readonly PlanNode[], catalog: NodeCatalog) {
  const enabled = nodes.filter((plan) => !plan.node.disabled);
  const requiredNodeTypes = [...new Set(enabled.map((plan) => plan.node.type))].sort();
  return {
    requiredNodeTypes,
    unknownTypes: requiredNodeTypes.filter((name) => !catalog.has(name)),
    pure: nodes.every((plan) => plan.effects === "none"),
  };
}

function unknownTypeProblems(nodes: readonly PlanNode[], catalog: NodeCatalog): Problem[] {
  return nodes.flatMap(({ node }, index): Problem[] => {
    if (node.disabled || catalog.has(node.type)) return [];
    const detail = `there is no node type "${node.type}"`;
    return [{ code: "E_UNKNOWN_TYPE", pointer: `/nodes/${index}/type`, detail }];
  });
}

function compileConditions(context: CompileContext) {
  const { flow, graph } = context;
  const sources = new Map(graph.edges.map((edge) => [edge.connection, edge.from]));
  return flow.connections.map(({ when }, index) => {
    const source = sources.get(index) ?? -1;
    return compileCondition(context, when, `/connections/${index}/when`, { type: "edge", source });
  });
}

function compileOutput(context: CompileContext): FlowPlan["output"] {
  const compiler = context.expressionsAt({ type: "output" });
  const template = compileTemplate(context.flow.output, "/output", "output", compiler);
  return { template, reads: compiler.reads };
}

function compileInputSchema({ flow, problems }: CompileContext): InputCheck | undefined {
  if (flow.inputs === undefined) return undefined;
  const compiled = compileInputs(flow.inputs);
  if ("check" in compiled) return compiled.check;
  problems.push(compiled.problem);
  return undefined;
}

function sinksOf(graph: FlowGraph): number[] {
  return graph.outEdges.flatMap((edges, node) => (edges.length === 0 ? [node] : []));
}
