import { inputOf } from "../domain/flow-input.ts";
import type { FlowState } from "../domain/flow-state.ts";
import type { ExecutionFacts, Scope } from "./expressions/scope.ts";

/** What expressions see of a running execution. */
export class RunScope {
  readonly #state: FlowState;
  readonly #execution: ExecutionFacts;

  constructor(state: FlowState, execution: ExecutionFacts) {
    this.#state = state;
    this.#execution = execution;
  }

  atNode(node: number, reads: ReadonlyMap<string, number>): Scope {
    return this.#scope(inputOf(this.#state, node) ?? null, reads);
  }

  /** On a connection `input` is the value that travels. */
  atEdge(value: unknown, reads: ReadonlyMap<string, number>): Scope {
    return this.#scope(value ?? null, reads);
  }

  atOutput(reads: ReadonlyMap<string, number>): Scope {
    return this.#scope(null, reads);
  }

  #scope(input: unknown, reads: ReadonlyMap<string, number>): Scope {
    const { inputs } = this.#state;
    return { inputs, input, nodes: this.#nodes(reads), execution: this.#execution };
  }

  /** `{error}` for a node that failed and was passed over; nodes that did not run are absent. */
  #nodes(reads: ReadonlyMap<string, number>): ReadonlyMap<string, unknown> {
    if (reads.size === 0) return NO_NODES;
    const nodes = new Map<string, unknown>();
    const { nodes: statuses, outputs, errors } = this.#state;
    for (const [id, node] of reads) {
      if (statuses[node] === "completed") nodes.set(id, outputs[node] ?? null);
      if (statuses[node] === "failed") nodes.set(id, { error: errors[node] });
    }
    return nodes;
  }
}

const NO_NODES: ReadonlyMap<string, unknown> = new Map();
