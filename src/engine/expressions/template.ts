import { pointerTo } from "../../domain/flow-pointer.ts";
import type { Expression } from "./expression.ts";
import type { ExpressionIssue } from "./inspect.ts";
import type { Scope, ScopeKind } from "./scope.ts";
import { splitTemplate } from "./template-text.ts";

/** Any JSON with `{{ }}` in its texts. */
export type Template =
  | { readonly isStatic: true; readonly value: unknown }
  | {
      readonly isStatic: false;
      /** Templates of the elements or fields; absent for a text. */
      readonly parts?: readonly Template[] | Readonly<Record<string, Template>>;
      evaluate(scope: Scope): unknown;
    };

/** Compiles the expressions of a template and keeps what is wrong with them. */
export interface ExpressionCompiler {
  compile(source: string, pointer: string, kind: ScopeKind): Expression | undefined;
  report(issue: ExpressionIssue, pointer: string): void;
}

const MAX_DEPTH = 100;

/**
 * The template of a JSON value. A text that is exactly one `{{ }}` yields the typed value; in a
 * longer text strings stand as they are and anything else as JSON. Static parts are frozen copies,
 * so that nothing that runs can change the flow.
 */
export function compileTemplate(
  value: unknown,
  pointer: string,
  kind: ScopeKind,
  compiler: ExpressionCompiler,
  depth = 0,
): Template {
  if (typeof value === "string") return compileText(value, pointer, kind, compiler);
  if (typeof value !== "object" || value === null) return { isStatic: true, value };
  if (depth > MAX_DEPTH) {
    compiler.report({ code: "E_LIMIT", detail: `nested deeper than ${MAX_DEPTH} levels` }, pointer);
    return NOTHING;
  }
  const inner = (child: unknown, key: string | number) =>
    compileTemplate(child, pointerTo(pointer, key), kind, compiler, depth + 1);
  return Array.isArray(value)
    ? listTemplate(value.map(inner))
    : objectTemplate(Object.entries(value).map(([key, child]) => [key, inner(child, key)]));
}

/** A template for a list of templates, static if they all are. */
export function listTemplate(items: readonly Template[]): Template {
  if (items.every((item) => item.isStatic)) {
    return { isStatic: true, value: Object.freeze(items.map((item) => item.value)) };
  }
  const evaluate = (scope: Scope) => items.map((item) => fill(item, scope));
  return { isStatic: false, parts: items, evaluate };
}

/** A template for an object of templates, static if they all are. */
export function objectTemplate(fields: readonly (readonly [string, Template])[]): Template {
  if (fields.every(([, field]) => field.isStatic)) {
    const entries = fields.map(([key, field]) => [key, field.isStatic ? field.value : null]);
    return { isStatic: true, value: Object.freeze(Object.fromEntries(entries)) };
  }
  return {
    isStatic: false,
    parts: Object.fromEntries(fields),
    evaluate: (scope) => Object.fromEntries(fields.map(([k, f]) => [k, fill(f, scope)])),
  };
}

export function fill(template: Template, scope: Scope): unknown {
  return template.isStatic ? template.value : template.evaluate(scope);
}

const NOTHING: Template = { isStatic: true, value: null };

function compileText(
  text: string,
  pointer: string,
  kind: ScopeKind,
  compiler: ExpressionCompiler,
): Template {
  if (!text.includes("{{")) return { isStatic: true, value: text };
  const split = splitTemplate(text);
  if (!split.ok) {
    const detail = `"{{" at character ${split.at} is not closed by "}}"`;
    compiler.report({ code: "E_EXPR_SYNTAX", detail, hint: UNCLOSED_HINT }, pointer);
    return NOTHING;
  }
  const parts = split.parts.map((part) =>
    part.type === "text" ? part.text : compiler.compile(part.source, pointer, kind),
  );
  return textTemplate(parts);
}

function textTemplate(parts: readonly (string | Expression | undefined)[]): Template {
  const [only] = parts;
  if (parts.length === 1 && typeof only === "object") {
    return { isStatic: false, evaluate: (scope) => only.evaluate(scope) };
  }
  return {
    isStatic: false,
    evaluate: (scope) =>
      parts
        .map((part) => (typeof part === "string" ? part : asText(part?.evaluate(scope))))
        .join(""),
  };
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

const UNCLOSED_HINT = 'for a literal "{{" write {{ "{{" }}';
