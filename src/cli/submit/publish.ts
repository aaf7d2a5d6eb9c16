import type { Bus } from "../../bus/connect.ts";
import { publishStored } from "../../bus/publish.ts";
import { Execution } from "../../client/execution.ts";
import { InvalidInputError } from "../../domain/errors.ts";
import { executeMessage } from "../../messages/execute.ts";
import type { FlowEvent } from "../../messages/flow-event.ts";
import { HEADERS } from "../../messages/subjects.ts";
import type { Composed } from "./compose-message.ts";

const HEADER_BYTES = 1_024;

/** An execution that is stored in its lane. */
export interface Submitted {
  readonly execution: Execution;
  /** From before it was published: none is missing. */
  readonly events: AsyncIterableIterator<FlowEvent>;
  readonly stream: string;
  readonly sequence: number;
  /** It had been published before; this is the same execution. */
  readonly duplicate: boolean;
}

/**
 * Publishes the message unchanged, with its executionId as message id. Listens to the execution
 * from before, so that no event of it is missed.
 *
 * @throws LaneFullError, UnreachableError; InvalidInputError when the server takes no message so large.
 */
export async function publishFlow(bus: Bus, { message, lane }: Composed): Promise<Submitted> {
  const body = executeMessage.encode(message);
  refuseTooLarge(body, bus.maxPayloadBytes);
  const execution = new Execution(bus, message.executionId);
  const head = [[HEADERS.messageId, message.executionId]] as const;
  const events = execution.events();
  const published = publishStored(bus, bus.names.execute(lane), body, head);
  // An id that was given may be that of an execution which ended long ago.
  execution.watch(published.then(() => ({ mayHaveEnded: true })));
  const { stream, seq, duplicate = false } = await published;
  return { execution, events, stream, sequence: seq, duplicate };
}

/** Headers count, too. Smaller ones that are too large for Batuta are dead-lettered with that reason. */
function refuseTooLarge({ length }: Uint8Array, maxPayloadBytes: number): void {
  if (length + HEADER_BYTES <= maxPayloadBytes) return;
  throw new InvalidInputError(
    `the message has ${length} bytes, and the server takes ${maxPayloadBytes} at most (max_payload)`,
  );
}
