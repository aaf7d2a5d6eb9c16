import { z } from "zod";
import { ID_PATTERN, WORKER_ID_PATTERN } from "../domain/ids.ts";
import { LANES } from "../domain/lane.ts";
import { defineMessage } from "./codec.ts";

const workerId = z.string().regex(new RegExp(WORKER_ID_PATTERN));
const executionId = z.string().regex(new RegExp(ID_PATTERN));
const incarnation = z.string().min(1).max(64);
const instant = z.iso.datetime({ offset: true });
const count = z.int().min(0);

export const WORKER_LEVELS = ["healthy", "degraded", "critical"] as const;
export type WorkerLevel = (typeof WORKER_LEVELS)[number];

/** The states of contract B5. */
export const WORKER_STATES = [
  "registering",
  "healthy",
  "degraded",
  "critical",
  "draining",
  "offline",
] as const;
export type WorkerStateName = (typeof WORKER_STATES)[number];

const capacitySchema = z.object({
  maxConcurrentFlows: z.int().min(1).max(10_000),
  maxConcurrentNodes: z.int().min(1).max(100_000),
  memoryLimitMB: z.number().min(1),
  cpuLimitCores: z.number().gt(0),
});
export type WorkerCapacity = z.infer<typeof capacitySchema>;

/** `workers.<workerId>.register`; a ULID incarnation that is higher evicts the older one. */
const registerSchema = z.object({
  workerId,
  incarnation,
  hostname: z.string().max(256),
  pid: count,
  version: z.string().max(64),
  transport: z.enum(["nats", "amqp"]),
  pool: z.string().max(64).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  capacity: capacitySchema,
  supportedNodeTypes: z.array(z.string().max(128)).max(2_000),
  heartbeatIntervalMs: z.number().min(50).max(600_000).optional(),
});
export type RegisterMessage = z.infer<typeof registerSchema>;
export const registerMessage = defineMessage("worker registration", registerSchema);

/**
 * The answer to a registration. `config` holds the settings that the orchestrator imposes. With
 * `retryAfterMs` a refusal is not for good: the worker is to ask again, as a new incarnation.
 */
export interface RegisterReply {
  readonly accepted: boolean;
  readonly reason?: string;
  readonly retryAfterMs?: number;
  readonly heartbeatIntervalMs: number;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Why a worker drains, and how long it will take at the most from when this was sent. */
const drainNoticeSchema = z.object({ reason: z.string().max(256), leftMs: z.number().min(0) });
export type DrainNotice = z.infer<typeof drainNoticeSchema>;

const heartbeatSchema = z.object({
  workerId,
  incarnation,
  seq: count,
  at: instant,
  status: z.enum(WORKER_LEVELS),
  currentLoad: z.object({
    activeFlows: count,
    activeNodes: count,
    queuedTasks: count,
    memoryUsagePercent: z.number().min(0),
    cpuUsagePercent: z.number().min(0),
  }),
  performance: z.object({
    tasksCompleted: count,
    tasksInProgress: count,
    averageExecutionTimeMs: z.number().min(0),
    errorRate: z.number().min(0).max(1),
    currentLoad: z.number().min(0),
  }),
  eventLoopLagMs: z.number().min(0),
  lastTakenAt: instant.nullish(),
  lastAckAt: instant.nullish(),
  inFlight: z.array(z.object({ executionId, attempt: z.int().min(1) })).max(10_000),
  /** The worker has begun to drain (SIGTERM, a command): it takes nothing more. */
  draining: z.boolean().optional(),
  drain: drainNoticeSchema.optional(),
});
export type Heartbeat = z.infer<typeof heartbeatSchema>;
export const heartbeatMessage = defineMessage("heartbeat", heartbeatSchema);

const errorSchema = z.object({
  code: z.string().max(64),
  message: z.string(),
  retryable: z.boolean(),
  retryAfterMs: z.number().min(0).optional(),
  nodeId: z.string().max(64).optional(),
});

/**
 * How one attempt ended, as the worker reports it.
 * - completed, cancelled: the terminal record is stored and the message acked.
 * - failed: nothing is stored; the orchestrator decides between retry and dead letter.
 * - fenced: a terminal record was there already; the worker dropped the task without ack or nak.
 * - returned: it surely never began. It goes back to its lane, and no attempt is counted.
 */
const outcomeSchema = z.object({
  executionId,
  attempt: z.int().min(1),
  status: z.enum(["completed", "failed", "fenced", "cancelled", "returned"]),
  startedAt: instant.optional(),
  durationMs: z.number().min(0).optional(),
  error: errorSchema.optional(),
});
export type TaskOutcome = z.infer<typeof outcomeSchema>;

/**
 * What came of the directed pulls of one orchestrator (`by`) from one lane since the last report:
 * tasks that were taken, and how many messages were handed back. `end`: a pull came up short.
 */
const pullReportSchema = z.object({
  by: z.string().max(64),
  lane: z.enum(LANES),
  took: z
    .array(
      z.object({
        executionId,
        flowId: z.string().max(128),
        ackSubject: z.string().max(512),
        /** Its publisher asks why it was placed there (header Batuta-Explain). */
        explain: z.boolean().optional(),
      }),
    )
    .max(10_000),
  returned: count,
  end: z.object({ pull: z.string().max(32), outcome: z.enum(["short", "unavailable"]) }).optional(),
});
export type PullReport = z.infer<typeof pullReportSchema>;

/** `workers.<workerId>.done`: outcomes of one tick, and how many slots are free now. */
const doneSchema = z.object({
  workerId,
  incarnation,
  free: count,
  /** Tasks that have run and whose results are being stored: they hold no slot any more. */
  committing: count.optional(),
  outcomes: z.array(outcomeSchema).max(10_000),
  pulls: z.array(pullReportSchema).max(1_000).optional(),
  /** The worker has begun to drain; sent at once, before its next beat. */
  draining: z.boolean().optional(),
  drain: drainNoticeSchema.optional(),
});
export type DoneMessage = z.infer<typeof doneSchema>;
export const doneMessage = defineMessage("task outcomes", doneSchema);

/** `unfinished`: tasks that it held and gives up; they run elsewhere. */
const byeSchema = z.object({
  workerId,
  incarnation,
  reason: z.string().max(256).optional(),
  unfinished: count.optional(),
});
export type ByeMessage = z.infer<typeof byeSchema>;
export const byeMessage = defineMessage("worker bye", byeSchema);

/** `POST /workers/{id}/drain`; 24 hours at the most. */
const drainRequestSchema = z.object({
  deadlineMs: z.number().min(0).max(86_400_000).optional(),
  reason: z.string().max(200).optional(),
});
export const drainRequest = defineMessage("drain request", drainRequestSchema);

const controlSchema = z.discriminatedUnion("action", [
  z.object({
    action: z.literal("drain"),
    /** The process that is meant; absent: whichever has the id. */
    incarnation: incarnation.optional(),
    deadlineMs: z.number().min(0).optional(),
    reason: z.string().optional(),
  }),
  /** `recorded`: the terminal record is stored already; the worker has only to stop. */
  z.object({
    action: z.literal("cancel"),
    executionId,
    reason: z.string().optional(),
    recorded: z.boolean().optional(),
  }),
  /**
   * No further node is started until "resume". `revision` is that of the flags (bucket `executions`) at
   * which this was so: what is older than what the worker knows is dropped.
   */
  z.object({ action: z.enum(["pause", "resume"]), executionId, revision: count }),
  z.object({ action: z.literal("config"), config: z.record(z.string(), z.unknown()) }),
  /** With `incarnation` only that one obeys: two processes may share a worker id for a moment. */
  z.object({
    action: z.literal("shutdown"),
    reason: z.string().optional(),
    incarnation: incarnation.optional(),
  }),
  /** Asks to take what the orchestrator `by` pulls for this worker; answered with `{ok}` (ADR 0005). */
  z.object({ action: z.literal("direct"), by: z.string().regex(/^[A-Za-z0-9]{1,64}$/) }),
  /** Asks what it holds of a lane: answered with `{ok, held: [stream sequence], tasks: [HeldByWorker]}`. */
  z.object({ action: z.literal("held"), lane: z.enum(LANES) }),
  /** The orchestrator does not know this worker (any more): register again, as a new incarnation. */
  z.object({ action: z.literal("register") }),
]);
export type WorkerControl = z.infer<typeof controlSchema>;
export const workerControlMessage = defineMessage("worker control", controlSchema);

/** A task as its worker tells of it when it is asked what it holds. */
export interface HeldByWorker {
  readonly executionId: string;
  readonly flowId: string;
  readonly attempt: number;
  readonly ackSubject: string;
}

/** Why a worker did not take a task; silence is acceptance. `free` counts its free slots. */
export interface TaskRefusal {
  readonly refused: "busy" | "draining" | "unsupported";
  readonly free: number;
}

/** `workers.<workerId>.state`, published by the leading orchestrator on each change. */
export interface WorkerStateEvent {
  readonly workerId: string;
  readonly incarnation: string;
  readonly from: WorkerStateName | null;
  readonly to: WorkerStateName;
  readonly reasons: readonly string[];
  readonly at: string;
  readonly load: number;
  readonly inFlight: number;
  readonly hostname: string;
  readonly pool: string;
}
