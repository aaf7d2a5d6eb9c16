import { headers as newHeaders } from "nats";
import type { Bus } from "../../bus/connect.ts";
import { publishStored } from "../../bus/publish.ts";
import { Execution } from "../../client/execution.ts";
import { executeMessage } from "../../messages/execute.ts";
import { HEADERS } from "../../messages/subjects.ts";
import type { Composed } from "./compose-message.ts";

/** An execution that is stored in its lane. */
export interface Submitted {
  readonly execution: Execution;
  readonly stream: string;
  readonly sequence: number;
  /** It had been published before; this is the same execution. */
  readonly duplicate: boolean;
}

/**
 * Publishes the message unchanged, with its executionId as message id. Listens to the execution
 * from before, so that no event of it is missed.
 *
 * @throws LaneFullError, UnreachableError.
 */
export async function publishFlow(bus: Bus, { message, lane }: Composed): Promise<Submitted> {
  const execution = new Execution(bus, message.executionId);
  const head = newHeaders();
  head.set(HEADERS.messageId, message.executionId);
  const subject = bus.names.execute(lane);
  const published = publishStored(bus, subject, executeMessage.encode(message), head);
  // An id that was given may be that of an execution which ended long ago.
  execution.watch(published.then(() => ({ mayHaveEnded: true })));
  const { stream, seq, duplicate } = await published;
  return { execution, stream, sequence: seq, duplicate };
}
