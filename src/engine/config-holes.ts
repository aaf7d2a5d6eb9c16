import type { z } from "zod";
import type { Problem } from "../domain/errors.ts";
import { pointerTo } from "../domain/flow-pointer.ts";

/** Stands in a config for what is only known when the node runs. */
export const HOLE = Symbol("filled in when the node runs");

/**
 * What is wrong with the parts of a config that are known now. An issue at, under or (for a choice
 * between shapes) around a hole is left for the run.
 */
export function checkKnownParts(schema: z.ZodType, config: unknown, pointer: string): Problem[] {
  const result = schema.safeParse(config);
  if (result.success) return [];
  return result.error.issues
    .filter((issue) => !touchesHole(config, issue))
    .flatMap((issue) => problemsOf(issue, pointer));
}

function touchesHole(config: unknown, issue: z.core.$ZodIssue): boolean {
  let value = config;
  for (const key of issue.path) {
    if (value === HOLE) return true;
    value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  }
  return value === HOLE || (issue.code === "invalid_union" && containsHole(value));
}

function containsHole(value: unknown): boolean {
  if (value === HOLE) return true;
  if (typeof value !== "object" || value === null) return false;
  return Object.values(value).some(containsHole);
}

function problemsOf(issue: z.core.$ZodIssue, pointer: string): Problem[] {
  const path = issue.path.map((key) => (typeof key === "number" ? key : String(key)));
  const at = pointerTo(pointer, ...path);
  if (issue.code !== "unrecognized_keys") {
    return [{ code: "E_CONFIG", pointer: at, detail: issue.message }];
  }
  return issue.keys.map((key) => ({
    code: "E_CONFIG",
    pointer: pointerTo(at, key),
    detail: "the node type has no such field",
  }));
}
