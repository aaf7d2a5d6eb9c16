/**
 * One thing wrong with an input. `pointer` is the JSON Pointer (RFC 6901) of the value at fault, ""
 * for the whole; `code` is stable; `detail` is for people; `hint` is the next step, where there is one.
 */
export interface Problem {
  readonly code: string;
  readonly pointer: string;
  readonly detail: string;
  readonly hint?: string;
}

/** What travels about an error: in results, dead letters, events and HTTP problems. */
export interface ErrorInfo {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly nodeId?: string;
  readonly retryAfterMs?: number;
}

export interface BatutaErrorOptions {
  readonly cause?: unknown;
  readonly problems?: readonly Problem[];
}

/**
 * The root of every error that Batuta throws on purpose. The class is the verdict, `code` is stable
 * and listed in docs/errors.md, the message names the value at fault. Never match on the message.
 */
export abstract class BatutaError extends Error {
  abstract readonly code: string;
  /** Whether the same call may succeed later without a change of the input. */
  abstract readonly retryable: boolean;
  readonly problems: readonly Problem[];

  constructor(message: string, options: BatutaErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.problems = options.problems ?? [];
  }
}

/** The input does not fit the contract; `problems` names every field at fault. */
export class InvalidInputError extends BatutaError {
  override readonly name = "InvalidInputError";
  readonly code = "INVALID";
  readonly retryable = false;
}

/** A setting is wrong; the message names the variable and what it accepts. */
export class ConfigError extends BatutaError {
  override readonly name = "ConfigError";
  readonly code = "CONFIG";
  readonly retryable = false;
}

/** The bus, the server or a stream cannot be reached now. */
export class UnreachableError extends BatutaError {
  override readonly name = "UnreachableError";
  readonly code = "UNREACHABLE";
  readonly retryable = true;
}

/** A lane is full: its stream refuses new messages until it has been worked off. */
export class LaneFullError extends BatutaError {
  override readonly name = "LaneFullError";
  readonly code = "LANE_FULL";
  readonly retryable = true;
}

/** What was asked for does not exist. */
export class NotFoundError extends BatutaError {
  override readonly name = "NotFoundError";
  readonly code = "NOT_FOUND";
  readonly retryable = false;
}

/** The answer did not come in time; what was asked may still happen. */
export class WaitTimeoutError extends BatutaError {
  override readonly name = "WaitTimeoutError";
  readonly code = "TIMEOUT";
  readonly retryable = true;
}

export type RemoteActorTrouble = "unknown" | "silent" | "gone" | "replaced" | "faulted";

/** An actor of another process cannot be mirrored any more; `trouble` says why. */
export class RemoteActorError extends BatutaError {
  override readonly name = "RemoteActorError";
  readonly code = "REMOTE_ACTOR";
  readonly retryable = true;
  readonly trouble: RemoteActorTrouble;

  constructor(message: string, trouble: RemoteActorTrouble, options: BatutaErrorOptions = {}) {
    super(message, options);
    this.trouble = trouble;
  }
}

/** The execution ended as failed or cancelled; `error` is that of its result. */
export class ExecutionFailedError extends BatutaError {
  override readonly name = "ExecutionFailedError";
  readonly code: string;
  readonly retryable: boolean;
  readonly executionId: string;
  readonly error: ErrorInfo;

  constructor(executionId: string, error: ErrorInfo) {
    super(`execution ${executionId} failed: ${error.code}: ${error.message}`);
    this.executionId = executionId;
    this.error = error;
    this.code = error.code;
    this.retryable = error.retryable;
  }
}

/**
 * What a node throws to say how its failure is to be taken: `retryable: false` sends the execution
 * to the dead letters at once, `retryAfterMs` replaces the retry policy's own delay.
 */
export class NodeError extends BatutaError {
  override readonly name = "NodeError";
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(
    code: string,
    message: string,
    options: BatutaErrorOptions & {
      readonly retryable?: boolean;
      readonly retryAfterMs?: number;
    } = {},
  ) {
    super(message, options);
    this.code = code;
    this.retryable = options.retryable ?? true;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Any thrown value as what travels. Unknown throws become code INTERNAL and may be retried. */
export function toErrorInfo(thrown: unknown, nodeId?: string): ErrorInfo {
  const where = nodeId === undefined ? {} : { nodeId };
  if (thrown instanceof NodeError && thrown.retryAfterMs !== undefined) {
    const { code, message, retryable, retryAfterMs } = thrown;
    return { code, message, retryable, retryAfterMs, ...where };
  }
  if (thrown instanceof BatutaError) {
    return { code: thrown.code, message: thrown.message, retryable: thrown.retryable, ...where };
  }
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return { code: "INTERNAL", message, retryable: true, ...where };
}
