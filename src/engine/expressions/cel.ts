import { Environment } from "@marcbachmann/cel-js";
import { matchesPattern } from "./regex.ts";
import { SCOPE_VARIABLES, type ScopeKind } from "./scope.ts";

/** Bounds of one expression, in characters and syntax nodes. */
export const EXPRESSION_LIMITS = { maxChars: 16_384, maxAstNodes: 2_000, maxDepth: 64 } as const;

const environments = new Map<ScopeKind, Environment>();

/** The CEL environment of one kind of place: its variables, `re()`, and numbers that mix. */
export function celEnvironment(kind: ScopeKind): Environment {
  const known = environments.get(kind);
  if (known !== undefined) return known;
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    enableOptionalTypes: true,
    limits: { maxAstNodes: EXPRESSION_LIMITS.maxAstNodes, maxDepth: EXPRESSION_LIMITS.maxDepth },
  });
  for (const name of SCOPE_VARIABLES[kind]) {
    environment.registerVariable(name, name === "index" ? "int" : "dyn");
  }
  addMixedNumbers(environment);
  environment.registerFunction("string.re(string): bool", matchesPattern);
  environment.registerFunction("re(string, string): bool", matchesPattern);
  environments.set(kind, environment);
  return environment;
}

/**
 * Numbers of JSON are doubles and numbers in an expression are ints; plain CEL adds no two of
 * these, so that `input.count + 1` would fail. The result is a double.
 */
function addMixedNumbers(environment: Environment): void {
  for (const [operator, apply] of Object.entries(ARITHMETIC)) {
    const mixed = (a: number | bigint, b: number | bigint) => apply(Number(a), Number(b));
    environment.registerOperator(`int ${operator} double: double`, mixed);
    environment.registerOperator(`double ${operator} int: double`, mixed);
  }
  environment.registerOperator("double % double: double", (a: number, b: number) => a % b);
}

const ARITHMETIC = {
  "+": (a: number, b: number) => a + b,
  "-": (a: number, b: number) => a - b,
  "*": (a: number, b: number) => a * b,
  "/": (a: number, b: number) => a / b,
  "%": (a: number, b: number) => a % b,
};
