import type { ParseResult } from "@marcbachmann/cel-js";
import { NodeError } from "../../domain/errors.ts";
import { LruCache } from "../lru-cache.ts";
import { celEnvironment, EXPRESSION_LIMITS } from "./cel.ts";
import { type ExpressionIssue, inspect } from "./inspect.ts";
import { toJsonValue, withReadableObjects } from "./json-value.ts";
import { SCOPE_VARIABLES, type Scope, type ScopeKind } from "./scope.ts";

/** A checked CEL expression; stateless, so shared by all flows that hold the same text. */
export interface Expression {
  readonly source: string;
  /** Ids of the nodes whose outputs it reads. */
  readonly nodeIds: readonly string[];
  /**
   * Its value as JSON.
   * @throws NodeError EXPRESSION, not retryable, such as for a field that is not there.
   */
  evaluate(scope: Scope): unknown;
}

export type CompiledExpression =
  | { readonly ok: true; readonly expression: Expression }
  | { readonly ok: false; readonly issues: readonly ExpressionIssue[] };

const compiled: Record<ScopeKind, LruCache<string, Expression>> = {
  node: memory(),
  item: memory(),
  output: memory(),
};

/** Bounded by the length of the texts: a compiled one takes a few hundred bytes per character. */
function memory(): LruCache<string, Expression> {
  return new LruCache({ maxEntries: 2_000, maxWeight: 200_000, weigh: (text) => text.length });
}

/** Checks and compiles an expression for one kind of place; good ones are remembered. */
export function compileExpression(source: string, kind: ScopeKind): CompiledExpression {
  const known = compiled[kind].get(source);
  if (known !== undefined) return { ok: true, expression: known };
  if (source.length > EXPRESSION_LIMITS.maxChars) {
    const detail = `the expression is longer than ${EXPRESSION_LIMITS.maxChars} characters`;
    return { ok: false, issues: [{ code: "E_LIMIT", detail }] };
  }
  const result = compileText(source, kind);
  if (result.ok) compiled[kind].set(source, result.expression);
  return result;
}

function compileText(source: string, kind: ScopeKind): CompiledExpression {
  const parsed = parse(source, kind);
  if ("code" in parsed) return { ok: false, issues: [parsed] };
  const { issues, nodeIds, isPath } = inspect(parsed.ast);
  if (issues.length > 0) return { ok: false, issues };
  const checked = parsed.check();
  if (!checked.valid) return { ok: false, issues: [typeIssue(checked.error, kind)] };
  return { ok: true, expression: makeExpression(source, parsed, nodeIds, isPath) };
}

function makeExpression(
  source: string,
  program: ParseResult,
  nodeIds: readonly string[],
  isPath: boolean,
): Expression {
  const convert = isPath ? pathToJson : toJsonValue;
  return {
    source,
    nodeIds,
    evaluate(scope) {
      try {
        return convert(program(scope as unknown as Record<string, unknown>));
      } catch (thrown) {
        return retryReadable(source, program, scope, thrown);
      }
    },
  };
}

/** A path yields a part of values that are JSON; only `index` is not. */
function pathToJson(value: unknown): unknown {
  return typeof value === "bigint" ? Number(value) : value;
}

function retryReadable(
  source: string,
  program: ParseResult,
  scope: Scope,
  thrown: unknown,
): unknown {
  if ((thrown as { code?: unknown })?.code !== "unsupported_type") {
    throw evaluationError(source, thrown);
  }
  try {
    const readable = Object.entries(scope).map(([name, value]) => [
      name,
      withReadableObjects(value),
    ]);
    return toJsonValue(program(Object.fromEntries(readable)));
  } catch (again) {
    throw evaluationError(source, again);
  }
}

function parse(source: string, kind: ScopeKind): ParseResult | ExpressionIssue {
  try {
    return celEnvironment(kind).parse(source);
  } catch (thrown) {
    const { code, detail } = describe(thrown);
    if (thrown instanceof RangeError) {
      return { code: "E_LIMIT", detail: "the expression is nested too deep" };
    }
    return { code: code === "limit_exceeded" ? "E_LIMIT" : "E_EXPR_SYNTAX", detail };
  }
}

function typeIssue(error: unknown, kind: ScopeKind): ExpressionIssue {
  const { code, detail } = describe(error);
  if (code === "unknown_variable") {
    return { code: "E_EXPR_REF", detail, hint: `there is ${SCOPE_VARIABLES[kind].join(", ")}` };
  }
  const hint = TYPE_HINTS[code];
  return { code: "E_EXPR_TYPE", detail, ...(hint === undefined ? {} : { hint }) };
}

const TYPE_HINTS: Readonly<Record<string, string>> = {
  incompatible_ternary_branches: "wrap both branches in dyn()",
  no_such_overload: "convert with string(), int() or double()",
};

function evaluationError(source: string, thrown: unknown): NodeError {
  if (thrown instanceof NodeError) return thrown;
  const shown = source.length > 200 ? `${source.slice(0, 200)}…` : source;
  const { code, detail } = describe(thrown);
  const hint = code === "no_such_key" ? "; test with has(), or read it with .? and orValue()" : "";
  return new NodeError("EXPRESSION", `${detail} in "${shown}"${hint}`, {
    cause: thrown,
    retryable: false,
  });
}

/** The text of a CEL error without the picture of the source that `message` carries. */
function describe(thrown: unknown): { code: string; detail: string } {
  const { code, summary, message } = (thrown ?? {}) as Record<string, unknown>;
  return { code: String(code ?? ""), detail: String(summary ?? message ?? thrown) };
}
