import type { Bus } from "../bus/connect.ts";
import type { LaneMessage } from "../bus/intake.ts";
import type { ReceivedTask } from "../bus/worker-link.ts";
import type { ExecuteMessage } from "../messages/execute.ts";
import { HEADERS } from "../messages/subjects.ts";
import { accept } from "./accept.ts";
import { deadlineOf, dueTime } from "./task-facts.ts";

/** Larger messages take the way through the orchestrator, which knows the limit that is set. */
const MOST_BYTES = 65_536;

/** A message that may be run as it came: a first attempt of a sound flow that is due. */
export interface PulledTask {
  readonly task: ReceivedTask;
  readonly body: ExecuteMessage;
}

/**
 * What an orchestrator would find out before it forwards a message, as far as a worker can. Undefined
 * for everything that needs more than that (a redelivery, a delay, a deadline that is over, an id that
 * may be there twice, anything wrong): it is handed back, and an orchestrator sees to it.
 */
export function pulledTask(message: LaneMessage, now: number): PulledTask | undefined {
  if (message.deliveryCount !== 1 || message.data.length > MOST_BYTES) return undefined;
  const accepted = accept(message, MOST_BYTES);
  if (accepted.type === "refused") return undefined;
  const { executionId, body } = accepted;
  if (body.executionId !== undefined && !isDeduplicated(message, executionId)) return undefined;
  if (dueTime(message, body) > now) return undefined;
  const deadline = deadlineOf(message, body);
  if (deadline !== undefined && deadline <= now) return undefined;
  const { lane, ackSubject, storedAt: queuedAt, data } = message;
  const first = { attempt: 1, isUncertain: false, incarnation: undefined };
  return { task: { executionId, lane, ackSubject, queuedAt, data, ...first }, body };
}

/**
 * Whether the stream itself has seen to it that this id is not published a second time. Where it has
 * not, only the books of an orchestrator keep a duplicate from running.
 */
function isDeduplicated({ headers }: LaneMessage, executionId: string): boolean {
  return (
    headers?.some(([name, value]) => name === HEADERS.messageId && value === executionId) === true
  );
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
