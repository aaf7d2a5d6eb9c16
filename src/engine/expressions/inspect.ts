import type { ASTNode } from "@marcbachmann/cel-js";
import type { FlowProblemCode } from "../../domain/flow-codes.ts";
import { compilePattern } from "./regex.ts";

/** What is wrong with an expression, before it has a place in a flow. */
export interface ExpressionIssue {
  readonly code: FlowProblemCode;
  readonly detail: string;
  readonly hint?: string;
}

export interface Inspection {
  readonly issues: readonly ExpressionIssue[];
  /** Ids after `nodes.`, each once. */
  readonly nodeIds: readonly string[];
  /** Whether it only picks from its variables, so that its value is a part of theirs. */
  readonly isPath: boolean;
}

/** Lists may be worked through two deep; three is minutes for a few thousand items. */
const MAX_COMPREHENSIONS = 2;
/** Keeps evaluation, which recurses, far from the end of the stack. */
const MAX_TREE_DEPTH = 150;
const COMPREHENSIONS = new Set(["all", "exists", "exists_one", "map", "filter"]);

/** Walks a parsed expression for what must not be in it and for the nodes that it reads. */
export function inspect(ast: ASTNode): Inspection {
  const walk: Walk = { issues: [], nodeIds: new Set(), isPath: true };
  visit(walk, ast, { depth: 0, comprehensions: 0, bound: [] });
  const isPath = walk.isPath && ast.op !== "value";
  return { issues: walk.issues, nodeIds: [...walk.nodeIds], isPath };
}

interface Walk {
  readonly issues: ExpressionIssue[];
  readonly nodeIds: Set<string>;
  isPath: boolean;
}

interface Place {
  readonly depth: number;
  readonly comprehensions: number;
  /** Loop variables, which hide what has the same name. */
  readonly bound: readonly string[];
}

function visit(walk: Walk, ast: ASTNode, place: Place): void {
  if (place.depth > MAX_TREE_DEPTH) {
    if (!walk.issues.some((issue) => issue.code === "E_LIMIT")) {
      walk.issues.push({ code: "E_LIMIT", detail: `nested deeper than ${MAX_TREE_DEPTH} levels` });
    }
    return;
  }
  if (!PATH_OPERATORS.has(ast.op)) walk.isPath = false;
  const inner = { ...place, depth: place.depth + 1 };
  const nodeId = readNodeId(ast, place);
  if (nodeId !== undefined) walk.nodeIds.add(nodeId);
  else if (ast.op === "rcall") visitMethod(walk, ast.args, inner);
  else if (ast.op === "call") visitCall(walk, ast.args, inner);
  else if (isNodes(ast, place)) walk.issues.push(NODES_NEEDS_ID);
  else for (const child of childrenOf(ast)) visit(walk, child, inner);
}

function visitMethod(walk: Walk, args: [string, ASTNode, ASTNode[]], place: Place): void {
  const [name, receiver, parameters] = args;
  visit(walk, receiver, place);
  if (name === "matches") walk.issues.push(NO_MATCHES);
  if (name === "bind" && receiver.op === "id" && receiver.args === "cel") {
    walk.issues.push(NO_BIND);
  }
  if (name === "re") checkPattern(walk, parameters[0]);
  const [variable, ...bodies] = parameters;
  if (COMPREHENSIONS.has(name) && variable?.op === "id" && bodies.length > 0) {
    visitComprehension(walk, variable.args, bodies, place);
    return;
  }
  for (const parameter of parameters) visit(walk, parameter, place);
}

function visitComprehension(walk: Walk, variable: string, bodies: ASTNode[], place: Place): void {
  const comprehensions = place.comprehensions + 1;
  if (comprehensions > MAX_COMPREHENSIONS) walk.issues.push(TOO_NESTED);
  const inner = { ...place, comprehensions, bound: [...place.bound, variable] };
  for (const body of bodies) visit(walk, body, inner);
}

function visitCall(walk: Walk, [name, parameters]: [string, ASTNode[]], place: Place): void {
  const [first] = parameters;
  if (name === "duration" && !isShortLiteral(first)) walk.issues.push(NO_COMPUTED_DURATION);
  if (name === "re") checkPattern(walk, parameters[1]);
  for (const parameter of parameters) visit(walk, parameter, place);
}

function checkPattern(walk: Walk, pattern: ASTNode | undefined): void {
  if (pattern?.op !== "value" || typeof pattern.args !== "string") return;
  try {
    compilePattern(pattern.args);
  } catch (thrown) {
    walk.issues.push({ code: "E_EXPR_SYNTAX", detail: (thrown as Error).message });
  }
}

/** The id in `nodes.a`, `nodes.?a`, `nodes["a"]` and `nodes[?"a"]`. */
function readNodeId(ast: ASTNode, place: Place): string | undefined {
  if (ast.op === "." || ast.op === ".?") {
    return isNodes(ast.args[0], place) ? ast.args[1] : undefined;
  }
  if (ast.op !== "[]" && ast.op !== "[?]") return undefined;
  const [receiver, index] = ast.args;
  if (!isNodes(receiver, place) || index.op !== "value") return undefined;
  return typeof index.args === "string" ? index.args : undefined;
}

function isNodes(ast: ASTNode, place: Place): boolean {
  return ast.op === "id" && ast.args === "nodes" && !place.bound.includes("nodes");
}

function childrenOf(ast: ASTNode): readonly ASTNode[] {
  switch (ast.op) {
    case "value":
    case "id":
      return [];
    case ".":
    case ".?":
      return [ast.args[0]];
    case "!_":
    case "-_":
      return [ast.args];
    case "map":
      return ast.args.flat();
    case "call":
      return ast.args[1];
    case "rcall":
      return [ast.args[1], ...ast.args[2]];
    default:
      return ast.args;
  }
}

function isShortLiteral(ast: ASTNode | undefined): boolean {
  return ast?.op === "value" && typeof ast.args === "string" && ast.args.length <= 64;
}

const PATH_OPERATORS = new Set(["value", "id", ".", "[]"]);

const NODES_NEEDS_ID: ExpressionIssue = {
  code: "E_EXPR_REF",
  detail: "nodes stands alone",
  hint: 'name the node: nodes.a or nodes["node-1"]',
};
const NO_MATCHES: ExpressionIssue = {
  code: "E_EXPR_FORBIDDEN",
  detail: "matches() could hang a worker on a hostile text",
  hint: 'use re(), which takes an RE2 pattern: input.name.re("^[a-z]+$")',
};
const NO_BIND: ExpressionIssue = {
  code: "E_EXPR_FORBIDDEN",
  detail: "cel.bind() lets an expression grow without bound",
  hint: "compute the value in a set node before this one",
};
const NO_COMPUTED_DURATION: ExpressionIssue = {
  code: "E_EXPR_FORBIDDEN",
  detail: "duration() takes a literal only, since reading a hostile text could hang a worker",
  hint: 'write it out, as in duration("90s"), or count in milliseconds',
};
const TOO_NESTED: ExpressionIssue = {
  code: "E_EXPR_FORBIDDEN",
  detail: `map, filter, all, exists and exists_one may be nested ${MAX_COMPREHENSIONS} deep`,
  hint: "do the inner part in a data-map or data-filter node before this one",
};
