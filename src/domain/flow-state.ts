import type { ErrorInfo } from "./errors.ts";
import type { Flow } from "./flow.ts";
import type { FlowGraph } from "./flow-graph.ts";
import { NodeHeap } from "./flow-heap.ts";

/**
 * - pending: a connection into it is not settled yet. ready: waits for a slot.
 * - running: an attempt is under way. waiting: a failed attempt is followed by another one.
 * - completed, failed (handled or not), skipped, cancelled: settled; it will not change any more.
 */
type NodeStatus =
  | "pending"
  | "ready"
  | "running"
  | "waiting"
  | "completed"
  | "failed"
  | "skipped"
  | "cancelled";

type EdgeStatus = "pending" | "delivered" | "pruned";

/** What happened. `node` is an index into `flow.nodes`, `attempt` that of the start command. */
export type FlowEvent =
  | { readonly type: "start" }
  | {
      readonly type: "completed";
      readonly node: number;
      readonly attempt: number;
      readonly port: string;
      readonly output: unknown;
    }
  | {
      readonly type: "failed";
      readonly node: number;
      readonly attempt: number;
      readonly error: ErrorInfo;
    }
  /** The delay of a retry command is over. */
  | { readonly type: "due"; readonly node: number }
  /** The execution failed as a whole, such as by its time limit. */
  | { readonly type: "abort"; readonly error: ErrorInfo }
  | { readonly type: "cancel"; readonly reason: string }
  /** What runs goes on; nothing more is started until `resume`. */
  | { readonly type: "pause" }
  | { readonly type: "resume" };

/** What is to be done. Nothing else may be done about the flow. */
export type FlowCommand =
  | { readonly type: "start"; readonly node: number; readonly attempt: number }
  /** Report `due` after `delayMs`, with `jitter: "full"` after a random part of it. */
  | {
      readonly type: "retry";
      readonly node: number;
      readonly attempt: number;
      readonly delayMs: number;
      readonly jitter: "full" | "none";
      readonly error: ErrorInfo;
    }
  /** Stop the running attempt, or the wait for the next one; a running one is still reported. */
  | { readonly type: "abort"; readonly node: number }
  /** Told, nothing to do. */
  | { readonly type: "skipped"; readonly node: number }
  | { readonly type: "end"; readonly status: "completed" }
  | { readonly type: "end"; readonly status: "failed"; readonly error: ErrorInfo }
  | { readonly type: "end"; readonly status: "cancelled"; readonly reason: string };

/** Answers what only expressions can say. Both must depend on the state alone, and may throw. */
export interface FlowRules {
  /** Whether `flow.nodes[node].when` holds; asked only where there is one. */
  nodeWhen(state: FlowState, node: number): boolean;
  /** Whether the `when` of the connection behind `graph.edges[edge]` holds for the travelling value. */
  edgeWhen(state: FlowState, edge: number, value: unknown): boolean;
  /** What was thrown by the two above, as what travels. */
  toError(thrown: unknown, node: number): ErrorInfo;
}

/**
 * Where an execution stands. Only `step` writes it, in place, so that a step costs the same in a
 * flow of 5,000 nodes as in one of 5.
 */
export interface FlowState {
  readonly flow: Flow;
  readonly graph: FlowGraph;
  readonly inputs: unknown;
  readonly maxParallel: number;
  phase: "new" | "running" | "failing" | "cancelling" | "ended";
  /** Nodes that are ready are not started. */
  paused: boolean;
  readonly nodes: NodeStatus[];
  readonly edges: EdgeStatus[];
  readonly outputs: unknown[];
  readonly errors: (ErrorInfo | undefined)[];
  /** Errors that did not fail the execution because the author said to go on. */
  readonly passedOver: ErrorInfo[];
  /** Attempts started of each node. */
  readonly attempts: number[];
  /** Incoming edges of each node that are still pending. */
  readonly unsettled: number[];
  readonly delivered: number[];
  /** For `join: any`: the edge whose value the node takes. */
  readonly winner: (number | undefined)[];
  readonly ready: NodeHeap;
  running: number;
  waiting: number;
  /** Attempts started in all. */
  runs: number;
  /** Why it is failing or cancelling. */
  error: ErrorInfo | undefined;
  reason: string;
}

/** A fresh execution; `maxParallel` is the smaller of the flow's and the worker's. */
export function createFlowState(
  flow: Flow,
  graph: FlowGraph,
  inputs: unknown,
  maxParallel: number = flow.settings.maxParallel,
): FlowState {
  const size = flow.nodes.length;
  return {
    flow,
    graph,
    inputs,
    maxParallel: Math.max(1, Math.min(maxParallel, flow.settings.maxParallel)),
    phase: "new",
    paused: false,
    nodes: filled<NodeStatus>(size, "pending"),
    edges: filled<EdgeStatus>(graph.edges.length, "pending"),
    outputs: filled<unknown>(size, undefined),
    errors: filled<ErrorInfo | undefined>(size, undefined),
    passedOver: [],
    attempts: filled(size, 0),
    unsettled: graph.inEdges.map((edges) => edges.length),
    delivered: filled(size, 0),
    winner: filled<number | undefined>(size, undefined),
    ready: new NodeHeap(graph.rank),
    running: 0,
    waiting: 0,
    runs: 0,
    error: undefined,
    reason: "",
  };
}

function filled<T>(size: number, value: T): T[] {
  return new Array<T>(size).fill(value);
}
