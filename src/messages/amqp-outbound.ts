import { nestAnswer } from "./amqp-envelope.ts";
import type { AmqpDeadReason, AmqpDelivery, AmqpRequest } from "./amqp-inbound.ts";
import type { AmqpNames } from "./amqp-names.ts";
import type { AmqpTask } from "./amqp-worker.ts";
import type { DeadLetter, ExecutionResult } from "./result.ts";
import type { WorkerStateEvent } from "./worker.ts";

/** A message to be published over AMQP, whatever library does it. */
export interface AmqpPublish {
  readonly exchange: string;
  readonly routingKey: string;
  /** Further routing keys; a queue that is bound by several gets it once. */
  readonly alsoFor?: readonly string[];
  readonly body: Uint8Array | string;
  readonly type: string;
  /** The same at each redelivery: who reads it can tell one that came twice. */
  readonly messageId: string;
  readonly correlationId?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: application/json. */
  readonly contentType?: string | undefined;
  /** That no queue takes it is told, and it counts as not published. */
  readonly mandatory: boolean;
}

/** How an execution ended, for all who listen. */
export function flowEvent(
  names: AmqpNames,
  result: ExecutionResult,
  messageId: string,
): AmqpPublish {
  const { status, executionId } = result;
  return {
    exchange: names.events,
    routingKey: names.keys.flow(status, executionId),
    body: JSON.stringify(result),
    type: "FlowEventMessage",
    messageId,
    correlationId: executionId,
    mandatory: false,
  };
}

/** Direct reply-to is no queue: it would be delivered, and told to be lost as well (research/amqp.md 3). */
const DIRECT_REPLY = "amq.rabbitmq.reply-to";

/** The result for who asked for it. */
export function flowReply(
  to: string,
  correlationId: string | undefined,
  result: ExecutionResult,
  messageId: string,
): AmqpPublish {
  return {
    exchange: "",
    routingKey: to,
    body: JSON.stringify(result),
    type: "FlowResultMessage",
    messageId: `${messageId}:reply`,
    correlationId: correlationId ?? result.executionId,
    mandatory: !to.startsWith(DIRECT_REPLY),
  };
}

/** What clients of the old orchestrator know a worker by that is gone. */
const GONE = "dead";

/** A state that a worker has come to, as on NATS and in the words of the old orchestrator. */
export function workerStatus(
  names: AmqpNames,
  event: WorkerStateEvent,
  messageId: string,
): AmqpPublish {
  const { workerId, from: previous, to, reasons } = event;
  const isGone = to === "offline";
  const old = { state: isGone ? GONE : to, previous, reason: reasons.join("; ") };
  return {
    exchange: names.events,
    routingKey: names.keys.worker(workerId, to),
    ...(isGone ? { alsoFor: [names.keys.worker(workerId, GONE)] } : {}),
    body: JSON.stringify({ ...event, ...old }),
    type: "WorkerStatusMessage",
    messageId,
    mandatory: false,
  };
}

/** An execution that was given up, with the message as it was published and why. */
export function deadFlow(names: AmqpNames, letter: DeadLetter, messageId: string): AmqpPublish {
  const { executionId, reason, error, message, lane } = letter;
  return {
    exchange: names.deadLetters,
    routingKey: names.keys.flow("dead", executionId),
    body: originalOf(message),
    type: "FlowExecutionMessage",
    messageId,
    correlationId: executionId,
    headers: {
      "x-batuta-reason": reason,
      "x-batuta-source": `lane ${lane}`,
      "x-batuta-error": cut(`${error.code}: ${error.message}`),
    },
    mandatory: true,
  };
}

const MAX_ERROR_CHARS = 1_000;

function cut(text: string): string {
  return text.length <= MAX_ERROR_CHARS ? text : `${text.slice(0, MAX_ERROR_CHARS)}…`;
}

/** One that was too large for its dead letter is named instead. */
function originalOf({ data, dataBase64, blob }: DeadLetter["message"]): Uint8Array | string {
  if (dataBase64 !== undefined) return Buffer.from(dataBase64, "base64");
  return JSON.stringify(blob === undefined ? data : { blob });
}

/** A message that never became an execution, as it came. `id` is its own or one made of it. */
export function deadDelivery(
  names: AmqpNames,
  { body, properties }: Pick<AmqpDelivery, "body" | "properties">,
  { reason, error }: { readonly reason: AmqpDeadReason; readonly error: string },
  { queue, routingKey, id }: { queue: string; routingKey: string; id: string },
): AmqpPublish {
  return {
    exchange: names.deadLetters,
    routingKey,
    body,
    type: "DeadLetterMessage",
    messageId: properties.messageId ?? id,
    correlationId: properties.correlationId,
    contentType: properties.contentType,
    headers: {
      "x-batuta-reason": reason,
      "x-batuta-source": queue,
      "x-batuta-error": cut(error),
    },
    mandatory: true,
  };
}

/** An attempt for a worker. Where its queue is gone that is told. */
export function taskFor(names: AmqpNames, task: AmqpTask, isNest: boolean): AmqpPublish {
  const body = isNest ? { pattern: names.keys.task(task.assignedTo), data: task } : task;
  return {
    exchange: names.commands,
    routingKey: names.keys.task(task.assignedTo),
    body: JSON.stringify(body),
    type: "TaskMessage",
    messageId: task.taskId,
    correlationId: task.executionId,
    mandatory: true,
  };
}

/** The answer to a request of NestJS. */
export function requestAnswer(
  { id, to, correlationId }: AmqpRequest,
  answer: { readonly response: unknown } | { readonly err: unknown },
): AmqpPublish {
  return {
    exchange: "",
    routingKey: to,
    body: nestAnswer(id, answer),
    type: "FlowAnswerMessage",
    messageId: `${id}:answer`,
    correlationId: correlationId ?? id,
    mandatory: false,
  };
}
