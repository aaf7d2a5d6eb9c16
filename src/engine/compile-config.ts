import { z } from "zod";
import { NodeError, type Problem } from "../domain/errors.ts";
import { pointerTo } from "../domain/flow-pointer.ts";
import { type FieldKind, fieldKind } from "./config-fields.ts";
import { checkKnownParts, HOLE } from "./config-holes.ts";
import type { Scope } from "./expressions/scope.ts";
import {
  compileTemplate,
  type ExpressionCompiler,
  fill,
  listTemplate,
  objectTemplate,
  type Template,
} from "./expressions/template.ts";
import { splitTemplate } from "./expressions/template-text.ts";

/** The config of one node, ready to be filled in. */
export type ConfigPlan =
  | { readonly isStatic: true; readonly value: unknown }
  | {
      readonly isStatic: false;
      /** @throws NodeError EXPRESSION or CONFIG, neither retryable. */
      evaluate(scope: Scope): unknown;
    };

/**
 * Compiles a config against the schema of its type: expressions and templates where the schema has
 * them, everything known now checked now. A config without any of these is parsed once, here.
 */
export function compileConfig(
  schema: z.ZodType,
  config: Readonly<Record<string, unknown>>,
  pointer: string,
  compiler: ExpressionCompiler,
  problems: Problem[],
): ConfigPlan {
  const template = compileField(schema, config, pointer, compiler);
  problems.push(...checkKnownParts(schema, skeleton(template), pointer));
  if (!template.isStatic) {
    return { isStatic: false, evaluate: (scope) => checked(schema, fill(template, scope)) };
  }
  const parsed = schema.safeParse(template.value);
  return { isStatic: true, value: parsed.success ? parsed.data : null };
}

function compileField(
  schema: z.ZodType | undefined,
  value: unknown,
  pointer: string,
  compiler: ExpressionCompiler,
): Template {
  const inner = unwrap(schema);
  const kind = fieldKind(inner) ?? fieldKind(schema);
  if (kind !== undefined) return compileKind(kind, value, pointer, compiler);
  if (inner instanceof z.ZodObject && isObject(value)) {
    const shape = inner.shape as Readonly<Record<string, z.ZodType>>;
    const field = (key: string) => (Object.hasOwn(shape, key) ? shape[key] : undefined);
    return objectTemplate(
      Object.entries(value).map(([key, child]) => [
        key,
        compileField(field(key), child, pointerTo(pointer, key), compiler),
      ]),
    );
  }
  if (inner instanceof z.ZodArray && Array.isArray(value)) {
    const element = inner.element as z.ZodType;
    return listTemplate(
      value.map((child, i) => compileField(element, child, pointerTo(pointer, i), compiler)),
    );
  }
  return compileTemplate(value, pointer, "node", compiler);
}

function compileKind(
  kind: FieldKind,
  value: unknown,
  pointer: string,
  compiler: ExpressionCompiler,
): Template {
  if (kind === "expression") return expressionTemplate(value, pointer, "node", compiler);
  const perItem =
    kind === "item-expression"
      ? expressionTemplate(value, pointer, "item", compiler)
      : compileTemplate(value, pointer, "item", compiler);
  return { isStatic: false, evaluate: (scope) => itemFunction(perItem, scope) };
}

/** A text is CEL, bare or in `{{ }}`; anything else is a literal. */
function expressionTemplate(
  value: unknown,
  pointer: string,
  kind: "node" | "item",
  compiler: ExpressionCompiler,
): Template {
  if (typeof value !== "string") return compileTemplate(value, pointer, kind, compiler);
  const compiled = compiler.compile(bareSource(value), pointer, kind);
  return { isStatic: false, evaluate: (scope) => compiled?.evaluate(scope) };
}

/** The expression of a text that is exactly one `{{ }}`, else the text. */
export function bareSource(text: string): string {
  const split = splitTemplate(text);
  const [only, ...others] = split.ok ? split.parts : [];
  return others.length === 0 && only?.type === "expression" ? only.source : text;
}

function itemFunction(template: Template, scope: Scope) {
  const own: { -readonly [K in keyof Scope]: Scope[K] } = { ...scope };
  return (item: unknown, index: number): unknown => {
    own.item = item;
    own.index = BigInt(index);
    return fill(template, own);
  };
}

function checked(schema: z.ZodType, config: unknown): unknown {
  const result = schema.safeParse(config);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = pointerTo("/config", ...(issue?.path ?? []).map(String));
  throw new NodeError("CONFIG", `${where}: ${issue?.message ?? "invalid"}`, { retryable: false });
}

/** The config with a hole for each part that is not static. */
function skeleton(template: Template): unknown {
  if (template.isStatic) return template.value;
  if (template.parts === undefined) return HOLE;
  if (Array.isArray(template.parts)) return template.parts.map(skeleton);
  return Object.fromEntries(Object.entries(template.parts).map(([k, t]) => [k, skeleton(t)]));
}

function unwrap(schema: z.ZodType | undefined): z.ZodType | undefined {
  let inner = schema;
  while (
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodNullable
  ) {
    if (fieldKind(inner) !== undefined) return inner;
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
