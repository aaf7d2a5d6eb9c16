import type { Quarantine } from "../domain/conduct.ts";
import type { Explanation } from "../domain/explain-execution.ts";
import type { Lane } from "../domain/lane.ts";
import type { ActorPage, ActorQuery, ActorView } from "../messages/actor-view.ts";
import type { CancelAnswer, PauseAnswer } from "../messages/control.ts";
import type { Decision } from "../messages/decision.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import type { ExecutionPage, ExecutionQuery } from "../messages/execution-view.ts";
import type { ExecutionResult } from "../messages/result.ts";
import type { ScalingRequest, ScalingView } from "../messages/scaling.ts";
import type { DecisionKind } from "../messages/subjects.ts";
import type { Heartbeat, WorkerCapacity, WorkerStateName } from "../messages/worker.ts";
import type { DeadLetterPort } from "./dead-letters.ts";

/**
 * What the HTTP API needs from the process that serves it. Each method may throw a BatutaError: its
 * class decides the status (see problem.ts), anything else is answered 500 and logged.
 */
export interface OrchestratorPort extends DeadLetterPort {
  /**
   * Publishes one execution, or tells what is known of it when its executionId was used before.
   *
   * @throws InvalidInputError with every problem of the flow, LaneFullError, UnreachableError.
   */
  submit(message: ExecuteMessage, lane: Lane, headers: SubmitHeaders): Promise<SubmitOutcome>;
  /** The terminal record, or undefined when it is not there in `timeoutMs` or once `signal` aborts. */
  waitForResult(
    executionId: string,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ExecutionResult | undefined>;
  /** What is known of an execution now; undefined when there is none of that id. */
  execution(executionId: string): Promise<KnownExecution | undefined>;
  /** A page of executions: open ones first, then ended ones, newest first. */
  executions(query: ExecutionQuery): Promise<ExecutionPage>;
  /**
   * Cancels an execution, wherever it is; the answer's `cancelled` is false when it had ended before.
   *
   * @throws NotFoundError when there is none of that id, WaitTimeoutError, UnreachableError.
   */
  cancel(executionId: string, reason: string): Promise<CancelAnswer>;
  /**
   * Pauses an execution, or lets it go on; the answer's `reason` is "ended" when it had ended before.
   *
   * @throws NotFoundError when there is none of that id, WaitTimeoutError, UnreachableError.
   */
  pause(executionId: string, reason: string): Promise<PauseAnswer>;
  resume(executionId: string, reason: string): Promise<PauseAnswer>;
  health(): Promise<HealthReport>;
  ready(): Promise<Readiness>;
  workers(): Promise<readonly WorkerView[]>;
  worker(workerId: string): Promise<WorkerView | undefined>;
  /**
   * Orders a worker to finish what it holds, for at most `deadlineMs` (its orchestrator's drain
   * time-out by default), and to leave. False when there is none of that id. Idempotent.
   */
  drain(workerId: string, order: DrainRequest): Promise<boolean>;
  queues(): Promise<readonly QueueView[]>;
  /** What was decided in the last 24 hours, oldest first: the newest so many that fit. */
  decisions(filter: DecisionFilter): Promise<readonly Decision[]>;
  /**
   * What happened to an execution and why; undefined when there is none of that id.
   *
   * @throws WaitTimeoutError when the lanes are too deep to find it, UnreachableError.
   */
  explain(executionId: string): Promise<Explanation | undefined>;
  /**
   * How scaling stands, after it was changed as asked for. Any orchestrator may be asked: the leader answers.
   *
   * @throws InvalidInputError with every problem of the change, UnreachableError when nobody leads.
   */
  scaling(change?: ScalingRequest): Promise<ScalingView>;
  /**
   * A page of the actors of all processes that answer.
   *
   * @throws WaitTimeoutError when they could not be asked in time, UnreachableError.
   */
  actors(query: ActorQuery): Promise<ActorPage>;
  /**
   * One actor; on a node of the caller's choice, or else as the orchestrator that leads sees it.
   *
   * @throws NotFoundError that names the nearest, WaitTimeoutError, UnreachableError.
   */
  actor(address: string, node?: string): Promise<ActorView>;
}

export interface DecisionFilter {
  readonly kind?: DecisionKind;
  /** Also where it was moved with others. */
  readonly executionId?: string;
  readonly workerId?: string;
  readonly last: number;
}

/** The body of `POST /workers/{id}/drain`; all of it may be left out. */
export interface DrainRequest {
  readonly deadlineMs?: number | undefined;
  readonly reason?: string | undefined;
}

/** Headers of the request that travel with the message. */
export interface SubmitHeaders {
  readonly traceparent?: string;
  readonly tracestate?: string;
}

export interface AcceptedExecution {
  readonly executionId: string;
  readonly lane: Lane;
  readonly status: "accepted";
}

/** An execution that has not ended. */
export interface OpenExecution {
  readonly executionId: string;
  readonly lane: Lane;
  readonly status: "accepted" | "queued" | "assigned" | "running" | "retrying" | "paused";
}

export type KnownExecution = OpenExecution | ExecutionResult;

export type SubmitOutcome = AcceptedExecution | { readonly known: KnownExecution };

/** Whether new work may be sent here: connected, streams there, not draining. */
export interface Readiness {
  readonly ready: boolean;
  /** Why not; empty when ready. */
  readonly reasons: readonly string[];
}

export type HealthStatus = "healthy" | "degraded" | "critical";

/** The body of `GET /orchestrator/health` (contract B10); `timestamp` is ISO 8601 UTC. */
export interface HealthReport {
  readonly status: HealthStatus;
  readonly timestamp: string;
  readonly queues: readonly QueueView[];
  readonly workers: FleetSummary;
  readonly supervisor: SupervisorView;
  readonly durability: DurabilityView;
  /** Messages of workers that were not believed since this orchestrator started, by reason. */
  readonly refused: Readonly<Record<string, number>>;
  readonly checks: readonly HealthCheck[];
}

export interface QueueView {
  /** The name of the stream. */
  readonly name: string;
  readonly lane: Lane;
  readonly pending: number;
  readonly inFlight: number;
  readonly deadLetters: number;
  /** How long the oldest waiting message has waited; null when none waits. */
  readonly oldestAgeMs: number | null;
}

export interface FleetSummary {
  readonly total: number;
  /** Could take a task now. */
  readonly available: number;
  /** Hold at least one task. */
  readonly busy: number;
  /** Mean share of filled slots, 0–1; 0 without workers. */
  readonly averageLoad: number;
  readonly byState: Readonly<Record<WorkerStateName, number>>;
}

export interface SupervisorView {
  /** This process. */
  readonly instanceId: string;
  readonly leading: boolean;
  /** The instance that holds the lease; null when nobody does. */
  readonly leaderId: string | null;
}

export interface DurabilityView {
  readonly requested: "standard" | "strict";
  /** What the server really gives. */
  readonly effective: "standard" | "strict";
  readonly detail: string;
}

export interface HealthCheck {
  readonly name: string;
  readonly status: HealthStatus;
  readonly detail: string;
}

export interface WorkerView {
  readonly workerId: string;
  readonly incarnation: string;
  readonly state: WorkerStateName;
  /** Why it is in this state. */
  readonly reasons: readonly string[];
  /** Since when, ISO 8601 UTC. */
  readonly since: string;
  /** Until when it gets nothing, however well it looks, and why; null for nearly all. */
  readonly quarantine: Quarantine | null;
  readonly hostname: string;
  readonly pid: number;
  readonly version: string;
  readonly transport: "nats" | "amqp";
  readonly pool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: WorkerCapacity;
  readonly supportedNodeTypes: readonly string[];
  /** Share of filled slots, 0–1. */
  readonly load: number;
  readonly inFlight: number;
  readonly lastHeartbeatAt: string | null;
  readonly currentLoad: Heartbeat["currentLoad"] | null;
  readonly performance: Heartbeat["performance"] | null;
}

/** Where the adapter logs to; a pino logger fits. */
export interface HttpLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
