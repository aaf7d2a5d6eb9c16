import type { Bus } from "../bus/connect.ts";
import type { LaneMessage } from "../bus/intake.ts";
import type { ReceivedTask } from "../bus/worker-link.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import { accept } from "./accept.ts";
import { dueTime } from "./task-facts.ts";

/** Larger messages take the way through the orchestrator, which knows the limit that is set. */
const MOST_BYTES = 65_536;

/** A message that may be run as it came: a first attempt of a sound flow that is due. */
export interface PulledTask {
  readonly task: ReceivedTask;
  readonly body: ExecuteMessage;
}

/**
 * What an orchestrator would find out before it forwards a message, as far as a worker can. Undefined
 * for everything that needs more than that (a redelivery, a delay, a deadline that is over, anything
 * wrong): it is handed back, and an orchestrator sees to it.
 */
export function pulledTask(message: LaneMessage, now: number): PulledTask | undefined {
  if (message.deliveryCount !== 1 || message.data.length > MOST_BYTES) return undefined;
  const accepted = accept(message, MOST_BYTES);
  if (accepted.type === "refused") return undefined;
  const { executionId, body } = accepted;
  if (dueTime(message, body) > now) return undefined;
  if (body.deadline !== undefined && Date.parse(body.deadline) <= now) return undefined;
  const { lane, ackSubject, storedAt: queuedAt, data } = message;
  const first = { attempt: 1, isUncertain: false, incarnation: undefined };
  return { task: { executionId, lane, ackSubject, queuedAt, data, ...first }, body };
}

/** The events that an orchestrator tells of a task that it forwards. */
export function tellPulled(bus: Bus, { task, body }: PulledTask, workerId: string): void {
  const { executionId, lane, attempt } = task;
  const { flowId, priority } = body;
  const differs = priority !== undefined && priority !== lane;
  const ignored = differs ? { ignoredPriority: priority } : {};
  bus.events.offer(executionId, "accepted", { flowId, lane, ...ignored });
  const reason = "directed: a share of what its lane held";
  bus.events.offer(executionId, "assigned", { flowId, workerId, attempt, reason });
}
