/** A request as a handler sees it: no framework, no socket. */
export interface Call {
  /** The value of `:name` in the route's path, decoded. */
  param(name: string): string;
  query(name: string): string | undefined;
  /** Names are case-insensitive. */
  header(name: string): string | undefined;
  /** @throws HttpError 413 when it is larger than the limit. */
  body(): Promise<Uint8Array>;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
}

/**
 * What a handler answers; `body` is sent as JSON, unless `headers` name another content type: then it is a
 * text, and sent as it is. Failures are thrown instead (see problem.ts). */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Route {
  readonly method: "GET" | "POST" | "PUT";
  /** `:name` stands for one segment. */
  readonly path: string;
  /** Served without a token: probes of an orchestrating platform carry none. */
  readonly open?: boolean;
  handle(call: Call): Reply | Promise<Reply>;
}
