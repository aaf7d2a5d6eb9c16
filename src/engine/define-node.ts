import type { z } from "zod";
import type { Arrival } from "../domain/flow-input.ts";

/**
 * What a crash after the start of a node means.
 * - none, idempotent: it is run again. keyed: it is run again with the same idempotency key.
 * - unsafe: whether it happened is not known, so it is never repeated silently.
 */
export type EffectClass = "none" | "idempotent" | "keyed" | "unsafe";

/** One fact per line; a pino logger is one. */
export interface NodeLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** What a node gets for one attempt. Values are shared with other nodes: never change them. */
export interface NodeContext<Config> {
  /** Checked against the type's schema, with all templates filled in. */
  readonly config: Config;
  /** One value as it arrived; an object keyed by node id where several did. */
  readonly input: unknown;
  /** Every value that arrived, in the order of the flow's connections; empty at a start node. */
  readonly inputs: readonly Arrival[];
  readonly executionId: string;
  readonly flowId: string;
  readonly nodeId: string;
  /** Attempt of this node within the execution on this worker, from 1. */
  readonly attempt: number;
  /** The same for every attempt on every worker: `<executionId>/<nodeId>`. */
  readonly idempotencyKey: string;
  /** Aborted when the node must stop: time limit, cancel, failure elsewhere. */
  readonly signal: AbortSignal;
  readonly log: NodeLog;
  /** Largest output that is accepted, in bytes of JSON. */
  readonly maxOutputBytes: number;
  /** Epoch milliseconds of the execution's clock. */
  now(): number;
  /** Resolves after `delayMs`; rejects with the signal's reason when the node must stop. */
  sleep(delayMs: number): Promise<void>;
  /** Tells how far the node is, 0 to 1. */
  progress(fraction: number): void;
}

/** A node type as the engine uses it; made by `defineNode`. */
export interface NodeType<Config = unknown> {
  readonly type: string;
  readonly version: number;
  readonly config: z.ZodType<Config>;
  /** Names of the ports that it delivers on, apart from `error`. */
  ports(config: Readonly<Record<string, unknown>>): readonly string[];
  effects(config: Readonly<Record<string, unknown>>): EffectClass;
  /** Per attempt; undefined means no limit. Nodes that answer synchronously cannot be stopped. */
  readonly timeoutMs: number | undefined;
  run(context: NodeContext<Config>): unknown;
}

export interface NodeDefinition<Schema extends z.ZodType> {
  readonly type: string;
  readonly version?: number;
  /** Checked when the flow is compiled and again when templates are filled in. */
  readonly config: Schema;
  /** Default: `out`. A function gets the config as it was sent. */
  readonly ports?:
    | readonly string[]
    | ((config: Readonly<Record<string, unknown>>) => readonly string[]);
  readonly effects: EffectClass | ((config: Readonly<Record<string, unknown>>) => EffectClass);
  /** Default 60 s; `null` for no limit. */
  readonly timeoutMs?: number | null;
  /**
   * Does the work and returns its JSON output, or `toPort(port, output)`. A synchronous answer
   * costs least. Throw NodeError to say whether another attempt makes sense.
   */
  run(context: NodeContext<z.output<Schema>>): unknown;
}

const DEFAULT_NODE_TIMEOUT_MS = 60_000;

/** A node type of your own: registered with `nodeTypes([...coreNodeTypeList, mine])`. */
export function defineNode<Schema extends z.ZodType>(
  definition: NodeDefinition<Schema>,
): NodeType<z.output<Schema>> {
  const { ports = ["out"], effects, timeoutMs = DEFAULT_NODE_TIMEOUT_MS } = definition;
  return {
    type: definition.type,
    version: definition.version ?? 1,
    config: definition.config as z.ZodType<z.output<Schema>>,
    ports: typeof ports === "function" ? ports : () => ports,
    effects: typeof effects === "function" ? effects : () => effects,
    timeoutMs: timeoutMs ?? undefined,
    run: (context) => definition.run(context),
  };
}

/** An output that leaves by a port other than `out`. */
export class PortOutput {
  readonly port: string;
  readonly output: unknown;

  constructor(port: string, output: unknown) {
    this.port = port;
    this.output = output;
  }
}

/** What `run` returns to deliver on `port` and prune the others. */
export function toPort(port: string, output: unknown): PortOutput {
  return new PortOutput(port, output);
}
