/** When a node with several incoming connections runs; see docs/flows.md. */
export type JoinRule = "settled" | "all" | "any";

/** What happens when a node has failed for good. */
type NodeErrorRule = "fail" | "continue" | "branch";

export interface FlowRetry {
  readonly maxAttempts: number;
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  readonly jitter: "full" | "none";
  /** Error codes that are retried; all retryable ones where absent. */
  readonly on?: readonly string[];
  /** Error codes that are never retried. */
  readonly notOn?: readonly string[];
}

const DEFAULT_RETRY: FlowRetry = {
  maxAttempts: 1,
  initialMs: 1_000,
  factor: 2,
  maxMs: 300_000,
  jitter: "full",
};

/** One step of a flow, with every default filled in. */
export interface FlowNode {
  readonly id: string;
  readonly type: string;
  readonly typeVersion?: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly when?: string;
  readonly join: JoinRule;
  readonly retry: FlowRetry;
  readonly timeoutMs?: number;
  /** Absent when the author left it open: then a connection from port `error` means "branch". */
  readonly onError?: NodeErrorRule;
  /** A disabled node hands its input to port `out` and runs nothing. */
  readonly disabled: boolean;
}

interface FlowEndpoint {
  readonly node: string;
  readonly port: string;
}

export interface FlowConnection {
  readonly from: FlowEndpoint;
  readonly to: FlowEndpoint;
  readonly when?: string;
  /** Whether it was sent as source/target: problems then point at those fields. */
  readonly editorForm: boolean;
}

interface FlowSettings {
  /** For the whole execution on one worker; none where absent. */
  readonly timeoutMs?: number;
  readonly onError: "fail" | "continue";
  readonly maxParallel: number;
  readonly maxNodeRuns: number;
  /** Largest output of one node and of the flow, in bytes of JSON; the worker's own limit where absent. */
  readonly maxOutputBytes?: number;
}

/** A flow in the one form that the rest of the code knows. */
export interface Flow {
  readonly name: string;
  readonly version: number;
  readonly nodes: readonly FlowNode[];
  readonly connections: readonly FlowConnection[];
  /** JSON Schema that the inputs of an execution must satisfy. */
  readonly inputs?: Readonly<Record<string, unknown>>;
  /** Template of the result. `hasOutput` tells a template that is null from none. */
  readonly output?: unknown;
  readonly hasOutput: boolean;
  readonly settings: FlowSettings;
}

/** What `normaliseFlow` reads: the wire shape (src/messages/flow-data.ts), already checked. */
export interface FlowSource {
  readonly name: string;
  readonly version: number;
  readonly nodes: readonly FlowNodeSource[];
  readonly connections?: readonly FlowConnectionSource[] | undefined;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
  readonly output?: unknown;
  readonly settings?: Optional<FlowSettings> | undefined;
}

export interface FlowNodeSource
  extends Optional<Omit<FlowNode, "id" | "type" | "retry" | "disabled">> {
  readonly id: string;
  readonly type: string;
  readonly retry?: Optional<FlowRetry> | undefined;
  readonly disabled?: boolean | undefined;
}

type FlowEndpointSource = string | { readonly node: string; readonly port?: string | undefined };

type FlowConnectionSource =
  | {
      readonly from: FlowEndpointSource;
      readonly to: FlowEndpointSource;
      readonly when?: string | undefined;
    }
  | {
      readonly source: string;
      readonly target: string;
      readonly sourceHandle?: string | null | undefined;
      readonly targetHandle?: string | null | undefined;
      readonly when?: string | undefined;
    };

type Optional<T> = { readonly [K in keyof T]?: T[K] | undefined };

const DEFAULT_SETTINGS: FlowSettings = { onError: "fail", maxParallel: 10, maxNodeRuns: 100_000 };

/** The flow with shorthands resolved and defaults filled in. Nothing is checked here. */
export function normaliseFlow(source: FlowSource): Flow {
  return {
    name: source.name,
    version: source.version,
    nodes: source.nodes.map(normaliseNode),
    connections: (source.connections ?? []).map(normaliseConnection),
    ...(source.inputs === undefined ? {} : { inputs: source.inputs }),
    output: source.output,
    hasOutput: source.output !== undefined,
    settings: withDefaults(DEFAULT_SETTINGS, source.settings),
  };
}

function normaliseNode(source: FlowNodeSource): FlowNode {
  return {
    id: source.id,
    type: source.type,
    ...(source.typeVersion === undefined ? {} : { typeVersion: source.typeVersion }),
    config: source.config ?? {},
    ...(source.when === undefined ? {} : { when: source.when }),
    join: source.join ?? "settled",
    retry: withDefaults(DEFAULT_RETRY, source.retry),
    ...(source.timeoutMs === undefined ? {} : { timeoutMs: source.timeoutMs }),
    ...(source.onError === undefined ? {} : { onError: source.onError }),
    disabled: source.disabled ?? false,
  };
}

function normaliseConnection(source: FlowConnectionSource): FlowConnection {
  const when = source.when === undefined ? {} : { when: source.when };
  if ("from" in source) {
    const from = endpoint(source.from, "out");
    return { from, to: endpoint(source.to, "in"), ...when, editorForm: false };
  }
  const from = { node: source.source, port: source.sourceHandle ?? "out" };
  const to = { node: source.target, port: source.targetHandle ?? "in" };
  return { from, to, ...when, editorForm: true };
}

/** `"a"`, `"a.true"` or `{node, port}`. A node id holds no dot, so the first one separates. */
function endpoint(source: FlowEndpointSource, defaultPort: string): FlowEndpoint {
  if (typeof source !== "string") return { node: source.node, port: source.port ?? defaultPort };
  const dot = source.indexOf(".");
  if (dot < 0) return { node: source, port: defaultPort };
  return { node: source.slice(0, dot), port: source.slice(dot + 1) };
}

function withDefaults<T extends object>(defaults: T, given: Optional<T> | undefined): T {
  if (given === undefined) return defaults;
  const set = Object.entries(given).filter(([, value]) => value !== undefined);
  return { ...defaults, ...(Object.fromEntries(set) as Partial<T>) };
}
