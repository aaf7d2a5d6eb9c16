import type { LaneMessage } from "../bus/intake.ts";
import { InvalidInputError, type Problem } from "../domain/errors.ts";
import { executionIdOf, isId } from "../domain/ids.ts";
import { parseJson } from "../messages/codec.ts";
import { type ExecuteMessage, executeMessage } from "../messages/execute.ts";
import type { DeadLetterReason } from "../messages/result.ts";

/** What a lane message turned out to be. */
export type Accepted =
  | { readonly type: "execution"; readonly executionId: string; readonly body: ExecuteMessage }
  | {
      readonly type: "refused";
      readonly executionId: string;
      readonly flowId: string | null;
      readonly reason: DeadLetterReason;
      readonly message: string;
      readonly problems: readonly Problem[];
    };

/** They travel with every task, beside those of ours. */
const MAX_HEADER_BYTES = 8_192;

/**
 * Reads a lane message. One that cannot be run is refused with everything that is wrong with it;
 * it keeps its own executionId where it has a usable one, else it is named after its place in the stream.
 */
export function accept(message: LaneMessage, maxPayloadBytes: number): Accepted {
  const fallbackId = executionIdOf(message.stream, message.sequence);
  if (message.headers === undefined) {
    const detail = "the headers of the message cannot be read";
    return refused(fallbackId, null, "invalid", [{ code: "E_HEADERS", pointer: "", detail }]);
  }
  const bytes = message.data.length;
  const headerBytes = message.headers.reduce(
    (sum, [name, value]) => sum + name.length + value.length,
    0,
  );
  if (headerBytes > MAX_HEADER_BYTES) {
    const detail = `the headers have ${headerBytes} characters; at most ${MAX_HEADER_BYTES} are accepted`;
    return refused(fallbackId, null, "too_large", [{ code: "E_TOO_LARGE", pointer: "", detail }]);
  }
  if (bytes > maxPayloadBytes) {
    const detail = `the message has ${bytes} bytes; at most ${maxPayloadBytes} are accepted (BATUTA_TASK_MAX_PAYLOAD_BYTES)`;
    return refused(fallbackId, null, "too_large", [{ code: "E_TOO_LARGE", pointer: "", detail }]);
  }
  let value: unknown;
  try {
    value = parseJson(message.data, "flow execution");
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    return refused(fallbackId, null, "invalid", error.problems);
  }
  const { executionId, flowId } = idsOf(value, fallbackId);
  const problems = executeMessage.problems(value);
  if (problems.length > 0) return refused(executionId, flowId, "invalid", problems);
  return { type: "execution", executionId, body: value as ExecuteMessage };
}

function refused(
  executionId: string,
  flowId: string | null,
  reason: DeadLetterReason,
  problems: readonly Problem[],
): Accepted {
  return { type: "refused", executionId, flowId, reason, message: summary(problems), problems };
}

/** One sentence that a person understands; the whole list travels beside it. */
export function summary(problems: readonly Problem[]): string {
  const [first] = problems;
  if (first === undefined) return "invalid";
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more problems)` : "";
  return `${first.pointer === "" ? "" : `${first.pointer}: `}${first.detail}${more}`;
}

function idsOf(value: unknown, fallbackId: string): { executionId: string; flowId: string | null } {
  const body = (typeof value === "object" && value !== null ? value : {}) as Record<
    string,
    unknown
  >;
  const executionId = isId(body.executionId) ? body.executionId : fallbackId;
  return { executionId, flowId: isId(body.flowId) ? body.flowId : null };
}
