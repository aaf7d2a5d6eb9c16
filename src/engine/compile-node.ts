import type { Problem } from "../domain/errors.ts";
import type { FlowNode } from "../domain/flow.ts";
import { checkSecrets } from "./check-secrets.ts";
import { bareSource, type ConfigPlan, compileConfig } from "./compile-config.ts";
import type { CompileContext } from "./compile-context.ts";
import type { NodeType } from "./define-node.ts";
import type { ExpressionCompiler } from "./expressions/template.ts";
import { compileTemplate } from "./expressions/template.ts";
import type { NodeCatalog } from "./node-types.ts";
import type { Condition, PlanNode } from "./plan.ts";

/** One node compiled; what is wrong with it goes to the context. */
export function compileNode(
  context: CompileContext,
  catalog: NodeCatalog,
  index: number,
): PlanNode {
  const node = context.flow.nodes[index] as FlowNode;
  const pointer = `/nodes/${index}`;
  const type = node.disabled ? undefined : catalog.get(node.type);
  context.problems.push(
    ...checkVersion(node, type, pointer),
    ...checkSecrets(node.config, `${pointer}/config`),
  );
  const expressions = context.expressionsAt({ type: "node", node: index });
  return {
    node,
    type,
    effects: node.disabled ? "none" : (type?.effects(node.config) ?? "unsafe"),
    ports: node.disabled ? ["out"] : (type?.ports(node.config) ?? []),
    config: compileNodeConfig(context, node, type, `${pointer}/config`, expressions),
    reads: expressions.reads,
    timeoutMs: node.timeoutMs ?? type?.timeoutMs,
    when: node.disabled
      ? undefined
      : compileCondition(context, node.when, `${pointer}/when`, { type: "node", node: index }),
  };
}

/** A `when`: CEL, bare or in `{{ }}`. */
export function compileCondition(
  context: CompileContext,
  source: string | undefined,
  pointer: string,
  place: Parameters<CompileContext["expressionsAt"]>[0],
): Condition | undefined {
  if (source === undefined) return undefined;
  const compiler = context.expressionsAt(place);
  const expression = compiler.compile(bareSource(source), pointer, "node");
  return expression === undefined ? undefined : { expression, reads: compiler.reads };
}

function compileNodeConfig(
  context: CompileContext,
  node: FlowNode,
  type: NodeType | undefined,
  pointer: string,
  compiler: ExpressionCompiler,
): ConfigPlan {
  if (node.disabled) return { isStatic: true, value: null };
  if (type !== undefined) {
    return compileConfig(type.config, node.config, pointer, compiler, context.problems);
  }
  // The fields of a type known by name may be per item, so `item` must not be an error here.
  return compileTemplate(node.config, pointer, "item", compiler);
}

function checkVersion(node: FlowNode, type: NodeType | undefined, pointer: string): Problem[] {
  if (type === undefined || node.typeVersion === undefined) return [];
  if (node.typeVersion === type.version) return [];
  const detail = `there is version ${type.version} of "${node.type}", not ${node.typeVersion}`;
  return [{ code: "E_UNKNOWN_TYPE", pointer: `${pointer}/typeVersion`, detail }];
}
