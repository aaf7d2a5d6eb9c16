import { BatutaError, NodeError } from "../../domain/errors.ts";
import { permanentError } from "../safe-error.ts";
import { readBeginning } from "./http-body.ts";

export interface HttpCall {
  readonly request: Request;
  /** Whether sending it twice may do harm. */
  readonly isUnsafe: boolean;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The server says that it has not worked on the request. */
const NOT_DONE = new Set([408, 425, 429, 503]);
/** Server errors that no repetition heals. */
const FINAL = new Set([501, 505]);
/** The request cannot have reached the server. */
const NOT_SENT = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

/**
 * Code HTTP_<status>. Retryable are 408, 425, 429 and 5xx; of an unsafe request only those by which
 * the server says that it did nothing. `Retry-After` is obeyed up to a day.
 */
export async function statusFailure(call: HttpCall, response: Response): Promise<NodeError> {
  const { status, statusText } = response;
  const isServerFault = status >= 500 && !FINAL.has(status) && !call.isUnsafe;
  const retryAfterMs = retryAfter(response, call.now);
  const beginning = await readBeginning(response, 200);
  const message = `${describe(call)} answered ${status} ${statusText}: ${beginning}`;
  return new NodeError(`HTTP_${status}`, message.replace(/[: ]+$/, ""), {
    retryable: NOT_DONE.has(status) || isServerFault,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/**
 * A request that got no answer: NETWORK or TIMEOUT, retryable; UNCERTAIN, not retryable, where an
 * unsafe one may have reached the server.
 */
export function requestFailure(
  call: HttpCall,
  thrown: unknown,
  timedOutAfterMs: number | undefined,
): Error {
  if (thrown instanceof BatutaError) return thrown;
  const code = causeCode(thrown);
  if (code === "bad port")
    return permanentError("CONFIG", `${describe(call)}: the port is not allowed`);
  const isSent = !NOT_SENT.has(code);
  const why = timedOutAfterMs === undefined ? code : `no answer within ${timedOutAfterMs} ms`;
  if (call.isUnsafe && isSent) {
    const message = `${describe(call)}: ${why}; whether the server acted on it is not known`;
    return permanentError("UNCERTAIN", message);
  }
  const kind = timedOutAfterMs === undefined ? "NETWORK" : "TIMEOUT";
  return new NodeError(kind, `${describe(call)}: ${why}`, { cause: thrown });
}

/** Without the query, which may hold a secret. */
function describe({ request }: HttpCall): string {
  const { origin, pathname } = new URL(request.url);
  return `${request.method} ${origin}${pathname}`;
}

function causeCode(thrown: unknown): string {
  const { cause, message } = (thrown ?? {}) as {
    cause?: { code?: string; message?: string };
    message?: string;
  };
  return cause?.code ?? cause?.message ?? message ?? "the request failed";
}

/** Seconds or an HTTP date, as milliseconds from now. */
function retryAfter(response: Response, now: number): number | undefined {
  const header = response.headers.get("retry-after");
  if (header === null) return undefined;
  const afterMs = /^\d{1,9}$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - now;
  if (Number.isNaN(afterMs)) return undefined;
  return Math.min(Math.max(afterMs, 0), MAX_RETRY_AFTER_MS);
}
