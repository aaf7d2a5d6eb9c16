import { BatutaError, type BatutaErrorOptions, type Problem } from "../domain/errors.ts";

interface HttpCode {
  readonly status: number;
  /** The same for every occurrence (RFC 9457). */
  readonly title: string;
}

/** Every code that the HTTP API answers with. docs/errors.md is generated from here. */
export const HTTP_CODES = {
  INVALID: { status: 400, title: "The request does not fit the contract" },
  UNAUTHORIZED: { status: 401, title: "The bearer token is missing or wrong" },
  FORBIDDEN: { status: 403, title: "Without a token only local clients are served" },
  FOREIGN_ORIGIN: { status: 403, title: "Pages of this origin may not connect" },
  NOT_FOUND: { status: 404, title: "There is nothing here" },
  METHOD_NOT_ALLOWED: { status: 405, title: "The route does not have this method" },
  TOO_LARGE: { status: 413, title: "The request body is too large" },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, title: "The request body must be plain JSON" },
  UPGRADE_REQUIRED: { status: 426, title: "Only a WebSocket is served here" },
  LANE_FULL: { status: 429, title: "The lane is full" },
  INTERNAL: { status: 500, title: "Something unexpected went wrong" },
  BUSY: { status: 503, title: "There are as many clients as can be served" },
  UNREACHABLE: { status: 503, title: "The bus cannot be reached" },
  TIMEOUT: { status: 504, title: "The answer did not come in time" },
} as const satisfies Readonly<Record<string, HttpCode>>;

export type HttpCodeName = keyof typeof HTTP_CODES;

export interface HttpErrorOptions extends BatutaErrorOptions {
  readonly code: HttpCodeName;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A failure that only HTTP knows: `code` decides the status, `headers` go with the answer. */
export class HttpError extends BatutaError {
  override readonly name = "HttpError";
  readonly code: HttpCodeName;
  readonly retryable = false;
  readonly headers: Readonly<Record<string, string>>;

  constructor(detail: string, options: HttpErrorOptions) {
    super(detail, options);
    this.code = options.code;
    this.headers = options.headers ?? {};
  }
}

/** The body of every answer that is not a success (RFC 9457), as `application/problem+json`. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The path that was asked for. */
  readonly instance: string;
  readonly code: HttpCodeName;
  readonly errors: readonly Problem[];
  /** How many of `errors` were left out, where there were too many to send. */
  readonly errorsOmitted?: number;
  readonly retryable: boolean;
}

export interface ProblemReply {
  readonly body: ProblemBody;
  readonly headers: Readonly<Record<string, string>>;
}

const ERRORS_SHOWN = 100;

/** Seconds until the same request is worth another try. */
const RETRY_AFTER: Readonly<Partial<Record<HttpCodeName, string>>> = {
  LANE_FULL: "5",
  BUSY: "5",
  UNREACHABLE: "2",
};

/** Any thrown value as the answer to the request for `path`. What Batuta did not throw on purpose is not told. */
export function problemOf(thrown: unknown, path: string): ProblemReply {
  const code = codeOf(thrown);
  const { status, title } = HTTP_CODES[code];
  const known = thrown instanceof BatutaError && code !== "INTERNAL";
  const problems = known ? thrown.problems : [];
  const omitted = problems.length - ERRORS_SHOWN;
  const body: ProblemBody = {
    type: `urn:batuta:error:${code}`,
    title,
    status,
    detail: known ? thrown.message : "the cause is in the log of the orchestrator",
    instance: path,
    code,
    errors: problems.slice(0, ERRORS_SHOWN),
    ...(omitted > 0 ? { errorsOmitted: omitted } : {}),
    retryable: known ? thrown.retryable : true,
  };
  return { body, headers: headersOf(thrown, code) };
}

function codeOf(thrown: unknown): HttpCodeName {
  if (!(thrown instanceof BatutaError)) return "INTERNAL";
  return isHttpCode(thrown.code) ? thrown.code : "INTERNAL";
}

function isHttpCode(code: string): code is HttpCodeName {
  return Object.hasOwn(HTTP_CODES, code);
}

function headersOf(thrown: unknown, code: HttpCodeName): Readonly<Record<string, string>> {
  const after = RETRY_AFTER[code];
  return {
    ...(after === undefined ? {} : { "retry-after": after }),
    ...(thrown instanceof HttpError ? thrown.headers : {}),
  };
}
