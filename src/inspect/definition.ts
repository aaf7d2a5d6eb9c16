import { createHash } from "node:crypto";
import { chartOf, nameOfFunction } from "../domain/chart.ts";
import type { MachineDefinition } from "../messages/inspection.ts";

/** What is needed of a machine to tell of it. */
export interface DefinedMachine {
  readonly id: string;
  readonly config: unknown;
}

/** Machines that are made anew for each actor share what they were written as. */
const known = new WeakMap<object, MachineDefinition>();

/** A machine as it travels. Made once for each config, however many actors have it. */
export function definitionOfMachine({ id, config }: DefinedMachine): MachineDefinition {
  const key = config as object;
  const cached = known.get(key);
  if (cached !== undefined) return cached;
  const plain = withoutFunctions(config) as object;
  const definition = {
    v: 1,
    hash: hashOf(plain),
    id,
    config: plain,
    chart: chartOf({ id, config: plain }),
  } as const;
  known.set(key, definition);
  return definition;
}

/** First 16 hex digits of the SHA-256, the same for the same machine in every process. */
export function hashOf(config: object): string {
  return createHash("sha256").update(canonicalJson(config)).digest("hex").slice(0, 16);
}

/** With the keys of every object in order. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

/** Functions become what the chart can show of them: their names. The context is no part of a machine's shape. */
function withoutFunctions(value: unknown): unknown {
  if (typeof value === "function") return { type: nameOfFunction(value) };
  if (Array.isArray(value)) return value.map(withoutFunctions);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key]) => key !== "context")
      .map(([key, each]) => [key, withoutFunctions(each)]),
  );
}
