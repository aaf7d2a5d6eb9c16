import { ulid } from "ulid";
import type { Assignment } from "../bus/assignments.ts";
import { concerns, readDecisions } from "../bus/decisions.ts";
import { listExecutions } from "../bus/execution-list.ts";
import { executionFacts } from "../bus/explain-execution.ts";
import { laneStats } from "../bus/lane-stats.ts";
import { publishStored } from "../bus/publish.ts";
import { requestCancel, requestPause } from "../bus/request-control.ts";
import { requestScaling } from "../bus/request-scaling.ts";
import { findFreshResult, findResult } from "../bus/results.ts";
import { InvalidInputError } from "../domain/errors.ts";
import { explainExecution } from "../domain/explain-execution.ts";
import type { Lane } from "../domain/lane.ts";
import type {
  KnownExecution,
  OrchestratorPort,
  QueueView,
  SubmitHeaders,
  SubmitOutcome,
  WorkerView,
} from "../http/port.ts";
import { type ExecuteMessage, executeMessage } from "../messages/execute.ts";
import type { ExecutionView } from "../messages/execution-view.ts";
import type { InspectionSource } from "../messages/inspection.ts";
import type { ExecutionResult } from "../messages/result.ts";
import { HEADERS } from "../messages/subjects.ts";
import { summary } from "./accept.ts";
import { actorPort } from "./actor-port.ts";
import { deadLetterPort } from "./dead-letter-port.ts";
import type { FlowNeeds } from "./dispatcher-options.ts";
import type { DurabilityFacts } from "./health-checks.ts";
import { healthReport } from "./health-report.ts";
import { type Member, quarantineOf } from "./member.ts";
import type { Orchestrator } from "./orchestrator.ts";

export interface PortOptions {
  readonly needsOf: (body: ExecuteMessage) => FlowNeeds;
  readonly durability: DurabilityFacts;
  /** Where the actors of all processes are seen. */
  readonly actors: InspectionSource;
}

/** What the HTTP API asks of an orchestrator. */
export function orchestratorPort(
  orchestrator: Orchestrator,
  options: PortOptions,
): OrchestratorPort {
  const { control: bus, fleet } = orchestrator;
  const submitted = new SubmittedExecutions();
  const queues = async (): Promise<QueueView[]> => {
    const stats = await laneStats(bus, Date.now());
    return stats.map(({ stream, ...rest }) => ({ name: stream, ...rest }));
  };
  return {
    submit: async (message, lane, headers) => {
      const outcome = await submit(orchestrator, options, message, lane, headers);
      if (!("known" in outcome)) submitted.add(outcome.executionId, lane);
      return outcome;
    },
    waitForResult: (executionId, timeoutMs, signal) =>
      waitForResult(orchestrator, executionId, timeoutMs, signal),
    execution: async (executionId) =>
      (await known(orchestrator, executionId)) ?? submitted.find(executionId),
    executions: (query) =>
      listExecutions(bus, query, async () =>
        orchestrator.dispatching.assignments.all().map((each) => {
          const isPaused = orchestrator.dispatching.pauses.has(each.task.executionId);
          return runningView(each, isPaused ? "paused" : "running");
        }),
      ),
    cancel: (executionId, reason) => requestCancel(bus, executionId, reason),
    pause: (executionId, reason) => requestPause(bus, executionId, "pause", reason),
    resume: (executionId, reason) => requestPause(bus, executionId, "resume", reason),
    health: () => healthReport(orchestrator, options.durability, queues),
    ready: async () => {
      const { busTrouble, dispatches, state } = orchestrator;
      const reasons = [
        ...(dispatches ? [] : [`the orchestrator is ${state}`]),
        ...(busTrouble === undefined ? [] : [busTrouble]),
      ];
      return { ready: reasons.length === 0, reasons };
    },
    workers: async () => fleet.members().map(workerView),
    worker: async (workerId) => {
      const member = fleet.find(workerId);
      return member && workerView(member);
    },
    drain: async (workerId, { reason, deadlineMs }) =>
      fleet.drain(workerId, reason ?? "drained by an HTTP request", deadlineMs),
    queues,
    decisions: ({ kind, executionId, workerId, last }) =>
      readDecisions(bus, {
        ...(kind === undefined ? {} : { kinds: [kind] }),
        is: (decision) =>
          (executionId === undefined || concerns(decision, executionId)) &&
          (workerId === undefined || decision.about.workerId === workerId),
        last,
      }),
    explain: async (executionId) => {
      const facts = await executionFacts(bus, executionId);
      return facts && explainExecution(facts);
    },
    scaling: (change) => requestScaling(bus, change),
    ...deadLetterPort(bus),
    ...actorPort(options.actors),
  };
}

const MAX_SUBMITTED = 10_000;

/**
 * The executions that came in through this API last. A lane cannot be searched by executionId, so
 * without this one that still waits there would be unknown to the API that has just accepted it.
 */
class SubmittedExecutions {
  readonly #lanes = new Map<string, Lane>();

  add(executionId: string, lane: Lane): void {
    this.#lanes.set(executionId, lane);
    if (this.#lanes.size <= MAX_SUBMITTED) return;
    const [oldest] = this.#lanes.keys();
    if (oldest !== undefined) this.#lanes.delete(oldest);
  }

  find(executionId: string): KnownExecution | undefined {
    const lane = this.#lanes.get(executionId);
    return lane && { executionId, lane, status: "queued" };
  }
}

async function submit(
  orchestrator: Orchestrator,
  options: PortOptions,
  message: ExecuteMessage,
  lane: Lane,
  trace: SubmitHeaders,
): Promise<SubmitOutcome> {
  const { problems } = options.needsOf(message);
  if (problems.length > 0) throw new InvalidInputError(summary(problems), { problems });
  const { executionId = ulid() } = message;
  if (message.executionId !== undefined) {
    const present = await known(orchestrator, executionId);
    if (present !== undefined) return { known: present };
  }
  const { control: bus } = orchestrator;
  const head: [string, string][] = [[HEADERS.messageId, executionId]];
  for (const [name, value] of Object.entries(trace))
    if (value !== undefined) head.push([name, value]);
  const body = executeMessage.encode({ ...message, executionId });
  const { duplicate = false } = await publishStored(bus, bus.names.execute(lane), body, head);
  if (duplicate) return { known: { executionId, lane, status: "queued" } };
  return { executionId, lane, status: "accepted" };
}

async function known(
  orchestrator: Orchestrator,
  executionId: string,
): Promise<KnownExecution | undefined> {
  const result = await findResult(orchestrator.control, executionId);
  if (result !== undefined) return result;
  const { assignments, pauses } = orchestrator.dispatching;
  const held = assignments.find(executionId);
  const flag = pauses.watch.find(executionId);
  const lane = held?.task.message.lane ?? flag?.lane;
  return lane && { executionId, lane, status: flag === undefined ? "running" : "paused" };
}

/** Listens before it looks, so that a result between the two is not missed. */
async function waitForResult(
  { control: bus }: Orchestrator,
  executionId: string,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<ExecutionResult | undefined> {
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  return new Promise((resolve, reject) => {
    const subscription = bus.nc.subscribe(bus.names.result(executionId), {
      callback: (error, msg) => {
        // The stream may refuse what is seen here: it is asked.
        if (error === null && msg.data.length > 0)
          findFreshResult(bus, executionId).then(found, reject);
      },
    });
    const end = (result: ExecutionResult | undefined) => {
      subscription.unsubscribe();
      resolve(result);
    };
    const found = (result: ExecutionResult | undefined) => {
      if (result !== undefined) end(result);
    };
    over.addEventListener("abort", () => end(undefined), { once: true });
    findResult(bus, executionId).then(found, reject);
  });
}

function runningView({ task, workerId }: Assignment, status: "running" | "paused"): ExecutionView {
  const { executionId, flowId, attempt, message } = task;
  return {
    executionId,
    flowId,
    lane: message.lane,
    status,
    attempts: attempt,
    workerId,
    finishedAt: null,
    durationMs: null,
  };
}

function workerView(member: Member): WorkerView {
  const { registration, standing, lastBeat, lastBeatAt } = member;
  const { workerId, incarnation, hostname, pid, version, transport } = registration;
  return {
    workerId,
    incarnation,
    state: standing.state,
    reasons: standing.reasons,
    since: new Date(standing.since).toISOString(),
    quarantine: quarantineOf(member, Date.now()) ?? null,
    hostname,
    pid,
    version,
    transport,
    pool: registration.pool ?? "default",
    labels: registration.labels ?? {},
    capacity: registration.capacity,
    supportedNodeTypes: registration.supportedNodeTypes,
    load: standing.load,
    inFlight: standing.inFlight,
    lastHeartbeatAt: lastBeatAt === undefined ? null : new Date(lastBeatAt).toISOString(),
    currentLoad: lastBeat?.currentLoad ?? null,
    performance: lastBeat?.performance ?? null,
  };
}
