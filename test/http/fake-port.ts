import type { DeadLetterSummary } from "../../src/domain/dead-letter.ts";
import { NotFoundError } from "../../src/domain/errors.ts";
import type {
  HealthReport,
  HttpLog,
  OrchestratorPort,
  QueueView,
  WorkerView,
} from "../../src/http/port.ts";
import type { ExecutionResult, StoredDeadLetter } from "../../src/messages/result.ts";
import type { ScalingView } from "../../src/messages/scaling.ts";

export const FLOW = {
  flowId: "flow-123",
  executionId: "exec-456",
  priority: "high",
  flowData: {
    name: "Data Processing Flow",
    version: 1,
    nodes: [{ id: "only", type: "noop" }],
    connections: [],
  },
  inputs: { data: "input data" },
};

export const RESULT: ExecutionResult = {
  executionId: "exec-456",
  flowId: "flow-123",
  status: "completed",
  output: { rows: 3 },
  attempts: 1,
  workerId: "w1",
  queuedAt: "2026-01-01T00:00:00.000Z",
  startedAt: "2026-01-01T00:00:00.005Z",
  finishedAt: "2026-01-01T00:00:00.015Z",
  queueWaitMs: 5,
  durationMs: 10,
  lane: "high",
};

export const QUEUE: QueueView = {
  name: "FLOWS_HIGH",
  lane: "high",
  pending: 4,
  inFlight: 1,
  deadLetters: 0,
  oldestAgeMs: 120,
};

export const WORKER: WorkerView = {
  workerId: "w1",
  incarnation: "01JCXXXXXXXXXXXXXXXXXXXXXX",
  state: "healthy",
  reasons: [],
  since: "2026-01-01T00:00:00.000Z",
  quarantine: null,
  hostname: "box",
  pid: 42,
  version: "0.1.0",
  transport: "nats",
  pool: "default",
  labels: {},
  capacity: {
    maxConcurrentFlows: 5,
    maxConcurrentNodes: 10,
    memoryLimitMB: 1024,
    cpuLimitCores: 2,
  },
  supportedNodeTypes: ["noop"],
  load: 0.2,
  inFlight: 1,
  lastHeartbeatAt: "2026-01-01T00:00:01.000Z",
  currentLoad: null,
  performance: null,
};

export const HEALTH: HealthReport = {
  status: "healthy",
  timestamp: "2026-01-01T00:00:00.000Z",
  queues: [QUEUE],
  workers: {
    total: 1,
    available: 1,
    busy: 1,
    averageLoad: 0.2,
    byState: { registering: 0, healthy: 1, degraded: 0, critical: 0, draining: 0, offline: 0 },
  },
  supervisor: { instanceId: "o1", leading: true, leaderId: "o1" },
  durability: { requested: "standard", effective: "standard", detail: "sync_interval 2m" },
  refused: {},
  checks: [{ name: "nats", status: "healthy", detail: "connected" }],
};

export const DEAD_LETTER: DeadLetterSummary = {
  sequence: 7,
  executionId: "dead-1",
  flowId: "flow-123",
  lane: "high",
  reason: "max_attempts",
  error: { code: "BOOM", message: "it broke", retryable: true },
  attempts: 0,
  deadAt: "2026-01-01T00:00:00.000Z",
  bytes: 2,
};

export const STORED_LETTER: StoredDeadLetter = {
  ...DEAD_LETTER,
  attempts: [],
  message: {
    subject: "flows.execute.high",
    stream: "FLOWS_HIGH",
    sequence: 3,
    publishedAt: "2026-01-01T00:00:00.000Z",
    headers: {},
    bytes: 2,
    data: {},
  },
};

export const SCALING: ScalingView = {
  desiredWorkers: 4,
  actualWorkers: 3,
  startingWorkers: 1,
  minWorkers: 2,
  maxWorkers: 20,
  mode: "auto",
  wish: { reason: "", at: null },
  provisioner: "process",
  state: "idle",
  trouble: null,
  load: { lanes: [], meanLoad: 0.8, arrivalsPerS: 12.5, meanServiceMs: 50, unplaceable: 0 },
  lastDecision: null,
  lastChange: null,
};

type SubmitCall = Parameters<OrchestratorPort["submit"]>;

/** A port that accepts all and whose executions never end; `overrides` says what a test wants otherwise. */
export function fakePort(overrides: Partial<OrchestratorPort> = {}) {
  const submitted: SubmitCall[] = [];
  const port: OrchestratorPort = {
    submit: async (...call) => {
      submitted.push(call);
      return { executionId: call[0].executionId ?? "made-up", lane: call[1], status: "accepted" };
    },
    waitForResult: (_id, timeoutMs, signal) => untilLate(timeoutMs, signal),
    execution: async (id) => (id === RESULT.executionId ? RESULT : undefined),
    executions: async () => ({ executions: [], cursor: null }),
    cancel: async (executionId) => ({ executionId, cancelled: true }),
    pause: async (executionId) => ({ executionId, paused: true }),
    resume: async (executionId) => ({ executionId, paused: false }),
    health: async () => HEALTH,
    ready: async () => ({ ready: true, reasons: [] }),
    workers: async () => [WORKER],
    worker: async (id) => (id === WORKER.workerId ? WORKER : undefined),
    drain: async (id) => id === WORKER.workerId,
    queues: async () => [QUEUE],
    decisions: async () => [],
    explain: async () => undefined,
    scaling: async () => SCALING,
    actors: async () => ({ actors: [], nodes: [] }),
    actor: async (address) => Promise.reject(new NotFoundError(`there is no actor ${address}`)),
    deadLetters: async () => ({ deadLetters: [DEAD_LETTER], cursor: 7 }),
    deadLetter: async (id) => (id === STORED_LETTER.executionId ? STORED_LETTER : undefined),
    replayDeadLetters: async () => [],
    purgeDeadLetters: async () => [],
    ...overrides,
  };
  return { port, submitted };
}

function untilLate(timeoutMs: number, signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(undefined);
    const timer = setTimeout(() => resolve(undefined), timeoutMs);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve(undefined);
    });
  });
}

/** A log that keeps its lines. */
export function memoryLog() {
  const lines: { level: string; fields: object; message: string }[] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, fields, message });
  };
  const log: HttpLog = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
  };
  return { log, lines };
}
