import { z } from "zod";
import type { ErrorInfo } from "../domain/errors.ts";
import { ID_PATTERN, WORKER_ID_PATTERN } from "../domain/ids.ts";
import { nestEnvelopeOf } from "./amqp-envelope.ts";
import { defineMessage } from "./codec.ts";
import type { RegisterMessage } from "./worker.ts";
import { WORKER_LEVELS } from "./worker.ts";

/** What workers send over AMQP (contract B9; research/amqp.md 1.1, 1.2), by its queue. */
export const AMQP_WORKER_KINDS = ["registration", "heartbeat", "result"] as const;
export type AmqpWorkerKind = (typeof AMQP_WORKER_KINDS)[number];

const workerId = z.string().regex(new RegExp(WORKER_ID_PATTERN));
const amount = z.number().min(0).optional();

/** Of the seed's two names for a thing either is taken. */
const registrationSchema = z.object({
  workerId,
  hostname: z.string().max(256).optional(),
  capacity: z.object({
    maxConcurrentFlows: z.int().min(1).max(10_000).optional(),
    maxConcurrentTasks: z.int().min(1).max(10_000).optional(),
    maxConcurrentNodes: z.int().min(1).max(100_000).optional(),
    memoryLimitMB: z.number().min(1).optional(),
    cpuLimitCores: z.number().gt(0).optional(),
    cpuCores: z.number().gt(0).optional(),
  }),
  supportedNodeTypes: z.array(z.string().max(128)).min(1).max(2_000),
  pool: z.string().max(64).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  heartbeatIntervalMs: z.number().min(1_000).max(600_000).optional(),
  envelope: z.enum(["plain", "nest"]).optional(),
});
export type AmqpRegistration = z.infer<typeof registrationSchema>;

const heartbeatSchema = z.object({
  workerId,
  status: z.enum(WORKER_LEVELS).optional(),
  currentLoad: z
    .object({
      activeFlows: amount,
      activeNodes: amount,
      queuedTasks: amount,
      memoryUsagePercent: amount,
      cpuUsagePercent: amount,
    })
    .optional(),
});
export type AmqpHeartbeat = z.infer<typeof heartbeatSchema>;

const resultSchema = z.object({
  taskId: z.string().max(256),
  executionId: z.string().regex(new RegExp(ID_PATTERN)),
  workerId,
  attempt: z.int().min(1),
  status: z.enum(["completed", "failed", "cancelled", "rejected"]),
  output: z.unknown().optional(),
  error: z
    .object({
      code: z.string().max(64).optional(),
      message: z.string().optional(),
      retryable: z.boolean().optional(),
    })
    .optional(),
});
export type AmqpResult = z.infer<typeof resultSchema>;

const CODECS = {
  registration: defineMessage("AMQP worker registration", registrationSchema),
  heartbeat: defineMessage("AMQP heartbeat", heartbeatSchema),
  result: defineMessage("AMQP task result", resultSchema),
} as const;

export interface AmqpWorkerMessages {
  readonly registration: AmqpRegistration;
  readonly heartbeat: AmqpHeartbeat;
  readonly result: AmqpResult;
}

/** Bare, or wrapped by NestJS. @throws InvalidInputError that names every field at fault. */
export function readWorkerMessage<K extends AmqpWorkerKind>(
  kind: K,
  body: Uint8Array,
): AmqpWorkerMessages[K] {
  const codec = CODECS[kind];
  const wrapped = unwrapped(body);
  const bytes = wrapped === undefined ? body : new TextEncoder().encode(JSON.stringify(wrapped));
  return codec.decode(bytes) as AmqpWorkerMessages[K];
}

function unwrapped(body: Uint8Array): unknown {
  try {
    return nestEnvelopeOf(JSON.parse(new TextDecoder().decode(body)))?.data;
  } catch {
    // Told by the codec, with all else that is wrong.
    return undefined;
  }
}

/** The seed's interval, and what a worker counts as that does not say how large it is. */
const DEFAULTS = { heartbeatIntervalMs: 15_000, slots: 1, nodes: 10, memoryMB: 1_024, cores: 1 };

/** What the orchestrator is told of such a worker. */
export function manifestOfAmqp(registration: AmqpRegistration): Pick<
  RegisterMessage,
  "capacity" | "supportedNodeTypes"
> & {
  readonly heartbeatIntervalMs: number;
} {
  const { capacity, supportedNodeTypes } = registration;
  return {
    supportedNodeTypes,
    heartbeatIntervalMs: registration.heartbeatIntervalMs ?? DEFAULTS.heartbeatIntervalMs,
    capacity: {
      maxConcurrentFlows:
        capacity.maxConcurrentFlows ?? capacity.maxConcurrentTasks ?? DEFAULTS.slots,
      maxConcurrentNodes: capacity.maxConcurrentNodes ?? DEFAULTS.nodes,
      memoryLimitMB: capacity.memoryLimitMB ?? DEFAULTS.memoryMB,
      cpuLimitCores: capacity.cpuLimitCores ?? capacity.cpuCores ?? DEFAULTS.cores,
    },
  };
}

/** An attempt of an execution, as a worker gets it over AMQP. */
export interface AmqpTask {
  readonly taskId: string;
  readonly flowId: string;
  readonly executionId: string;
  readonly priority: string;
  /** The fence: a result of another attempt is dropped. */
  readonly attempt: number;
  /** As the flow says, where it says so. */
  readonly maxAttempts?: number | undefined;
  readonly deadline?: string | undefined;
  readonly flowData: unknown;
  readonly inputs: unknown;
  readonly assignedTo: string;
}

export function taskIdOf(executionId: string, attempt: number): string {
  return `${executionId}.${attempt}`;
}

/** What a worker says went wrong. */
export function errorOf({ error, status }: AmqpResult): ErrorInfo {
  const { code, message, retryable } = error ?? {};
  return {
    code: code ?? status.toUpperCase(),
    message: message ?? `the worker reported ${status} and no reason`,
    retryable: retryable ?? true,
  };
}
