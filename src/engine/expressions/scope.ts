/** What `execution` is in an expression. */
export interface ExecutionFacts {
  readonly id: string;
  readonly flowId: string;
  readonly lane: string;
  readonly attempt: number;
}

/**
 * What an expression sees, by variable name. `nodes` is a Map because a node may be called
 * "constructor"; `item` and `index` are there in per-item fields only.
 */
export interface Scope {
  readonly inputs: unknown;
  readonly input: unknown;
  readonly nodes: ReadonlyMap<string, unknown>;
  readonly execution: ExecutionFacts;
  readonly item?: unknown;
  readonly index?: bigint;
}

/** Variables of each place: a node or connection, a per-item field, the output of the flow. */
export const SCOPE_VARIABLES = {
  node: ["inputs", "input", "nodes", "execution"],
  item: ["inputs", "input", "nodes", "execution", "item", "index"],
  output: ["inputs", "nodes", "execution"],
} as const;

export type ScopeKind = keyof typeof SCOPE_VARIABLES;
