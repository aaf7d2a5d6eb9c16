/**
 * Batuta: publish flows, run workers, watch both. Everything public is exported here, by name; the
 * statecharts are at "batuta/actors" and helpers for tests at "batuta/testing".
 */
export { Client, type ConnectOptions, connect, type RunOptions } from "./client/client.ts";
export { Execution } from "./client/execution.ts";
export {
  BatutaError,
  ConfigError,
  type ErrorInfo,
  ExecutionFailedError,
  InvalidInputError,
  LaneFullError,
  NodeError,
  NotFoundError,
  type Problem,
  UnreachableError,
  WaitTimeoutError,
} from "./domain/errors.ts";
export { LANES, type Lane } from "./domain/lane.ts";
export { expression, itemExpression, itemTemplate } from "./engine/config-fields.ts";
export { defineNode, type NodeContext, type NodeType, toPort } from "./engine/define-node.ts";
export { type ExecuteMessage, executeMessage } from "./messages/execute.ts";
export type { FlowData } from "./messages/flow-data.ts";
export type { FlowEvent } from "./messages/flow-event.ts";
export type { DeadLetter, ExecutionResult, ExecutionStatus } from "./messages/result.ts";
export { busNames } from "./messages/subjects.ts";
export type { Heartbeat, RegisterMessage, WorkerStateEvent } from "./messages/worker.ts";
export { type ServeOptions, serve } from "./processes/serve.ts";
export type { WorkerHandle } from "./processes/worker.ts";
