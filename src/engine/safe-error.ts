import { type ErrorInfo, NodeError, toErrorInfo } from "../domain/errors.ts";

const MAX_MESSAGE_CHARS = 4_000;

/**
 * Any thrown value as what travels, even one whose own code throws when it is looked at. Long
 * messages are cut, since the error goes into results, events and dead letters.
 */
export function safeErrorInfo(thrown: unknown, nodeId?: string): ErrorInfo {
  try {
    const info = toErrorInfo(thrown, nodeId);
    const message = String(info.message);
    if (message.length <= MAX_MESSAGE_CHARS) return { ...info, message };
    return { ...info, message: `${message.slice(0, MAX_MESSAGE_CHARS)}…` };
  } catch {
    const message = "a value was thrown that cannot be read";
    const where = nodeId === undefined ? {} : { nodeId };
    return { code: "INTERNAL", message, retryable: true, ...where };
  }
}

/** An error that no attempt with the same input can avoid. */
export function permanentError(code: string, message: string): NodeError {
  return new NodeError(code, message, { retryable: false });
}
